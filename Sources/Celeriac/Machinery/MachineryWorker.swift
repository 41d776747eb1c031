import CeleriacCore
import CeleriacWire
import Logging
import MachineryDialect
public import MachineryWire
import NIOConcurrencyHelpers
import NIOCore
public import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Serves the tasks of a ``MachineryServer``.
///
/// A worker is a service: run it in a `ServiceGroup`, or call ``run()`` or ``launch()``. At a graceful shutdown it stops
/// taking messages, lets running tasks end, and gives back the messages of tasks that have not begun.
public final class MachineryWorker: Service {
    private struct Hooks {
        var error: (@Sendable (any Error) async -> Void)?
        var preTask: (@Sendable (MachinerySignature) async -> Void)?
        var postTask: (@Sendable (MachinerySignature) async -> Void)?
    }
    /// The worker's name; at RabbitMQ the tag under which it consumes.
    public let consumerTag: String
    /// The queue that it serves.
    public let queue: String
    private let server: MachineryServer
    private let concurrency: Int
    private let isOwnQueue: Bool
    private let hooks = NIOLockedValueBox(Hooks())
    private let made = NIOLockedValueBox<TaskWorker?>(nil)

    init(server: MachineryServer, consumerTag: String, concurrency: Int, queue: String?) {
        self.server = server
        self.consumerTag = consumerTag
        self.queue = queue ?? server.configuration.defaultQueue
        self.isOwnQueue = queue != nil
        if concurrency > 0 {
            self.concurrency = concurrency
        } else if server.configuration.isAMQP {
            let prefetch = server.configuration.amqpOptions.prefetchCount
            self.concurrency = prefetch > 0 ? prefetch : 1024
        } else {
            self.concurrency = 2 * max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        }
    }

    // MARK: Handlers of events

    /// Calls `handler` when a task has failed for good. Set it before the worker runs.
    public func onError(_ handler: @escaping @Sendable (any Error) async -> Void) {
        hooks.withLockedValue { $0.error = handler }
    }

    /// Calls `handler` before each task. Set it before the worker runs.
    public func onPreTask(_ handler: @escaping @Sendable (MachinerySignature) async -> Void) {
        hooks.withLockedValue { $0.preTask = handler }
    }

    /// Calls `handler` after each task, whether it succeeded or not. Set it before the worker runs.
    public func onPostTask(_ handler: @escaping @Sendable (MachinerySignature) async -> Void) {
        hooks.withLockedValue { $0.postTask = handler }
    }

    // MARK: Running

    /// Works until a graceful shutdown, ``stop()`` or cancellation.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for settings that cannot work; the broker's error when it
    ///   refuses the worker.
    public func run() async throws {
        logLaunch()
        try await worker.run()
    }

    /// Works until the process gets SIGINT or SIGTERM, unless the configuration says to leave signals alone.
    ///
    /// - Throws: as ``run()``.
    public func launch() async throws {
        let signals: [UnixSignal] = server.configuration.noUnixSignals ? [] : [.sigint, .sigterm]
        try await ServiceGroup(services: [self], gracefulShutdownSignals: signals, logger: server.logger).run()
    }

    /// Begins a graceful stop; ``run()`` returns when it is done.
    public func stop() {
        worker.stop()
    }

    /// Returns once the worker takes messages.
    ///
    /// - Throws: the error with which the worker ended before; ``CeleriacError`` with code `closed` if it was stopped
    ///   before; `CancellationError` when the caller's task is cancelled.
    public func ready() async throws { try await worker.ready() }

    /// The worker, made when it is first used, so that handlers of events can be set before.
    private var worker: TaskWorker {
        made.withLockedValue { made in
            let worker = made ?? makeWorker()
            made = worker
            return worker
        }
    }

    private func makeWorker() -> TaskWorker {
        let hooks = hooks.withLockedValue { $0 }
        var settings = WorkerConfiguration(
            queues: [TaskQueue(queue)], concurrency: concurrency, nodeName: consumerTag,
            resultExpiry: server.configuration.resultExpiry)
        settings.hooks.preTask = { context in
            if let signature = context.machinerySignature { await hooks.preTask?(signature) }
        }
        settings.hooks.postTask = { context, _ in
            if let signature = context.machinerySignature { await hooks.postTask?(signature) }
        }
        settings.hooks.error = { context, error in
            // A task with retries left has not failed for good.
            if let signature = context.machinerySignature, signature.retryCount > 0, context.request.refusal == nil {
                return
            }
            await hooks.error?(error)
        }
        let eventLoop = server.eventLoopGroup.next()
        let broker = (server.broker as? MachineryEagerBroker)?.workerSide ?? server.broker
        return TaskWorker(
            dialect: server.formats, broker: broker,
            // A backend that keeps nothing needs no results.
            store: server.backend is MachineryNullResults ? nil : server.backend, configuration: settings,
            timers: EventLoopTimerSource(eventLoop: eventLoop), executor: EventLoopTaskExecutor(eventLoop),
            client: server.client, logger: server.logger, handlers: server.registeredTasks)
    }

    private func logLaunch() {
        let configuration = server.configuration
        let logger = server.logger
        logger.info("Launching a worker with the following settings:")
        logger.info("- Broker: \(configuration.shownBroker)")
        logger.info(isOwnQueue ? "- CustomQueue: \(queue)" : "- DefaultQueue: \(queue)")
        logger.info("- ResultBackend: \(configuration.shownBackend)")
        if configuration.isAMQP {
            let amqp = configuration.amqpOptions
            logger.info("- AMQP: \(amqp.exchange)")
            logger.info("  - Exchange: \(amqp.exchange)")
            logger.info("  - ExchangeType: \(amqp.exchangeType)")
            logger.info("  - BindingKey: \(amqp.bindingKey)")
            logger.info("  - PrefetchCount: \(amqp.prefetchCount)")
        }
    }
}
