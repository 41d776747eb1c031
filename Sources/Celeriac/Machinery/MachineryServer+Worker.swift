public import CeleriacCore
import CeleriacWire
import MachineryDialect
import MachineryWire
import NIOCore
import UnixSignals

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension MachineryServer {
    /// Makes a worker of this application. Call its `launch()`, or run it in a `ServiceGroup`.
    ///
    /// - Parameters:
    ///   - consumerTag: the worker's name; at RabbitMQ the tag under which it consumes.
    ///   - queue: the queue that the worker serves; nil for the default queue.
    ///   - concurrency: how many tasks run at once. As in Machinery, 0 means no limit other than the prefetch count at
    ///     RabbitMQ, and twice the number of processors elsewhere.
    ///   - stopTimeout: how long a stop may take in all; see ``WorkerConfiguration/stopTimeout``.
    ///   - hooks: functions that the worker calls around every run; a task's signature is `context.machinerySignature`.
    ///     The worker calls the error hook only when a task has no retries left.
    ///   - handlers: the handlers of the tasks that the worker serves. Of two with the same name the last one counts.
    /// - Returns: the worker, not yet running.
    public func worker(
        consumerTag: String, queue: String? = nil, concurrency: Int = 0, stopTimeout: Duration = .seconds(25),
        hooks: WorkerHooks = WorkerHooks(),
        @TaskHandlerBuilder handlers: () -> [TaskHandler]
    ) -> TaskWorker {
        worker(
            WorkerConfiguration(
                queues: [TaskQueue(queue ?? configuration.defaultQueue)],
                concurrency: concurrency > 0 ? concurrency : configuration.unlimitedConcurrency,
                nodeName: consumerTag, stopTimeout: stopTimeout, hooks: hooks),
            handlers: handlers)
    }

    /// Makes a worker with settings of its own, such as its limits and what its log may tell.
    ///
    /// - Parameters:
    ///   - settings: the worker's settings. Its node name is the worker's name, and at RabbitMQ the consumer tag.
    ///     Results are kept as long as the server's configuration says.
    ///   - handlers: the handlers of the tasks that the worker serves. Of two with the same name the last one counts.
    /// - Returns: the worker, not yet running.
    public func worker(
        _ settings: WorkerConfiguration, @TaskHandlerBuilder handlers: () -> [TaskHandler]
    ) -> TaskWorker {
        let eventLoop = eventLoopGroup.next()
        var settings = settings
        settings.resultExpiry = configuration.resultExpiry
        settings.hooks = settings.hooks.afterLastRetry
        settings.hooks.middleware = configuration.middleware + settings.hooks.middleware
        settings.tracer = settings.tracer ?? configuration.tracer
        return TaskWorker(
            dialect: formats, broker: broker, store: backend, configuration: settings,
            timers: EventLoopTimerSource(eventLoop: eventLoop), executor: EventLoopTaskExecutor(eventLoop),
            client: client, logger: logger, handlers: handlers(),
            signals: configuration.noUnixSignals ? [] : [.sigint, .sigterm],
            launchLog: configuration.launchLog(
                queue: settings.queues.map(\.name).first { $0 != configuration.defaultQueue }))
    }
}

extension WorkerHooks {
    /// These hooks, with an error hook that skips a task which still has retries left.
    fileprivate var afterLastRetry: WorkerHooks {
        guard let error else { return self }
        var hooks = self
        hooks.error = { context, thrown in
            if let signature = context.machinerySignature, signature.retryCount > 0, context.request.refusal == nil {
                return
            }
            await error(context, thrown)
        }
        return hooks
    }
}

extension MachineryConfiguration {
    /// How many tasks run at once in a worker whose concurrency is 0.
    fileprivate var unlimitedConcurrency: Int {
        guard isAMQP else { return 2 * max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }
        return amqpOptions.prefetchCount > 0 ? amqpOptions.prefetchCount : 1024
    }

    /// The lines that a Go worker logs when it is launched.
    ///
    /// - Parameter queue: the worker's own queue; nil if it serves the default queue.
    /// - Returns: one log line each, without credentials.
    fileprivate func launchLog(queue: String?) -> [String] {
        var lines = [
            "Launching a worker with the following settings:",
            "- Broker: \(shownBroker)",
            queue.map { "- CustomQueue: \($0)" } ?? "- DefaultQueue: \(defaultQueue)",
            "- ResultBackend: \(shownBackend)",
        ]
        if isAMQP {
            lines += [
                "- AMQP: \(amqpOptions.exchange)",
                "  - Exchange: \(amqpOptions.exchange)",
                "  - ExchangeType: \(amqpOptions.exchangeType)",
                "  - BindingKey: \(amqpOptions.bindingKey)",
                "  - PrefetchCount: \(amqpOptions.prefetchCount)",
            ]
        }
        return lines
    }
}
