import CeleriacWire
package import Logging
import NIOConcurrencyHelpers
public import ServiceLifecycle
package import UnixSignals

/// Serves tasks: it takes messages from its queues, runs their handlers, stores results and settles the messages.
///
/// A worker is a service: run it in a `ServiceGroup`, or call ``launch()`` or ``run()``. At a graceful shutdown it
/// stops taking messages, lets running handlers end, stores their results and gives back the messages whose tasks had
/// not begun.
public final class TaskWorker: Service {
    let dialect: any Dialect
    let broker: any MessageBroker
    let store: (any ResultStore)?
    let configuration: WorkerConfiguration
    let nodeName: String
    let handlers: [String: TaskHandler]
    let timers: any TimerSource
    let logger: Logger
    /// Sends the tasks of handlers and callbacks; nil for a worker whose handlers send none.
    let client: TaskClient?
    /// The names of the error callbacks that the worker calls itself instead of sending them.
    let errorHandlers: Set<String>
    let parts: [any WorkerPart]
    /// Changes how many handlers may run at once; nil for a worker whose number is fixed.
    let autoscaler: Autoscaler?
    private let executor: any TaskExecutor
    private let signals: [UnixSignal]
    private let launchLog: [String]
    let stopping = Gate()
    /// Notices when the result store is out of reach; nil for a worker without a store.
    let watch: ResultStoreWatch?
    /// Counts what the worker does; nil where there is no metrics system.
    let metrics: WorkerMetrics?
    /// Makes spans of runs; nil where there is no tracer.
    let tracing: TaskTracing?
    /// What is told of what follows from tasks; nil if nobody listens.
    let telemetry: SendTelemetry?
    /// What the worker knows of its own health.
    let health: WorkerHealth
    /// Answers health checks while the worker runs; nil while nobody does.
    let healthServer = NIOLockedValueBox<HealthServer?>(nil)
    /// Whether the current Swift task belongs to a worker, as those of handlers and what they start do.
    @TaskLocal package static var isCurrent = false
    /// Open once ``readiness`` is known.
    private let isSettled = Gate()
    private let readiness = NIOLockedValueBox<Result<Void, any Error>?>(nil)
    /// Open once ``hasGivenUp``.
    private let givingUp = Gate()
    /// The lost connection that has ended the worker.
    private let loss = NIOLockedValueBox<CeleriacError?>(nil)

    /// Makes a worker from its parts. It closes neither the broker nor the store.
    ///
    /// - Parameters:
    ///   - dialect: the formats of messages and results.
    ///   - broker: where the worker consumes and publishes.
    ///   - store: where results are kept; nil to keep none.
    ///   - configuration: how the worker works.
    ///   - timers: where the worker takes the time and its timers from.
    ///   - executor: where the worker's own loops run. Handlers must not be able to block it.
    ///   - client: the client by which handlers send tasks; nil for a worker whose handlers send none.
    ///   - logger: the worker's logger.
    ///   - handlers: the handlers of the tasks that the worker serves. Of two with the same name the last one counts.
    ///   - parts: the parts that run beside the worker.
    ///   - signals: the signals that end ``launch()``.
    ///   - launchLog: the lines that ``run()`` logs first.
    package init(
        dialect: any Dialect,
        broker: any MessageBroker,
        store: (any ResultStore)?,
        configuration: WorkerConfiguration,
        timers: any TimerSource,
        executor: any TaskExecutor,
        client: TaskClient? = nil,
        logger: Logger,
        handlers: [TaskHandler],
        parts: [any WorkerPart] = [],
        signals: [UnixSignal] = [.sigint, .sigterm],
        launchLog: [String] = []
    ) {
        self.client = client
        self.errorHandlers = Set(handlers.lazy.filter { $0.callback != nil }.map(\.name))
        self.dialect = dialect
        self.broker = broker.workerSide
        self.store = store?.discardsResults == true ? nil : store
        self.configuration = configuration
        let nodeName = configuration.nodeName ?? NodeName.current(dialect.name)
        self.nodeName = nodeName
        self.watch = self.store.map { store in
            var logger = logger
            logger[metadataKey: "worker"] = "\(nodeName)"
            return ResultStoreWatch(
                name: store.name, nodeName: nodeName, pausesWorker: configuration.pausesWithoutResultStore,
                metrics: configuration.metrics, timers: timers, logger: logger)
        }
        self.health = WorkerHealth(
            nodeName: nodeName, brokerName: self.broker.name, store: self.store, watch: self.watch, stopping: stopping,
            executor: executor)
        self.timers = timers
        self.executor = executor
        self.logger = logger
        let autoscaler = configuration.autoscale.map { Autoscaler(range: $0, timers: timers) }
        self.autoscaler = autoscaler
        self.parts = parts + configuration.parts + (autoscaler.map { [$0] } ?? [])
        self.signals = signals
        self.launchLog = launchLog
        self.handlers = Dictionary(
            handlers.map { ($0.name, configuration.configured($0)) }, uniquingKeysWith: { $1 })
        self.metrics = WorkerMetrics(configuration.metrics, nodeName: nodeName, tasks: handlers.lazy.map(\.name))
        self.tracing = TaskTracing(configuration.tracer)
        self.telemetry =
            client?.telemetry
            ?? SendTelemetry(tracer: configuration.tracer, metrics: configuration.metrics, stampsTimes: false)
    }

    /// The name of the store where results are kept, without credentials; nil for a worker without one.
    package var resultStoreName: String? { store?.name }

    /// The names of the tasks that the worker serves, sorted.
    package var taskNames: [String] { handlers.keys.sorted() }

    // MARK: Running

    /// Works until the process receives SIGINT or SIGTERM, ``stop()`` is called or remote control shuts the worker
    /// down. Returns normally in all these cases.
    ///
    /// It is for programs that have no `ServiceGroup` of their own. With Machinery's `noUnixSignals` it ignores the
    /// signals. While a signal's stop is under way, the next signal ends the wait for it.
    ///
    /// - Throws: as ``run()``.
    public func launch() async throws {
        try await ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: self, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: signals, logger: logger)
        ).run()
    }

    /// Works until a graceful shutdown, ``stop()``, cancellation, or an error from which the worker cannot recover.
    ///
    /// A stop takes no longer than ``WorkerConfiguration/stopTimeout``, whatever the servers do. Then the worker logs
    /// what is left and returns normally; what still waits for a server goes on in the background while the process
    /// lives. In a `ServiceGroup` that handles SIGINT or SIGTERM, one that comes during the shutdown ends the wait
    /// within a second.
    ///
    /// Cancellation is a stop without patience: the worker cancels its handlers at once. In a fifth of the stop timeout
    /// it then still stores, publishes and settles what follows from the tasks that have ended, gives the other
    /// messages back, and returns normally. Only a worker that has not begun to consume throws.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for settings that cannot work; the broker's error if it
    ///   refuses the worker, `unavailable` if its connection is lost and settings forbid to connect again; the consumer's
    ///   error if it gives up; `CancellationError` when it was cancelled before it consumed.
    public func run() async throws {
        for line in launchLog { logger.info("\(line)") }
        do {
            try configuration.validate()
            try configuration.parkingPolicy.validate(at: broker)
            try await answeringHealthChecks {
                try await withTaskExecutorPreference(executor) {
                    try await withGracefulShutdownHandler {
                        let consumption = try await withTaskCancellationHandler {
                            try await self.connect()
                        } onCancel: {
                            self.stopping.open()
                        }
                        guard let consumption else { return try Task.checkCancellation() }
                        try await self.work(consumption)
                    } onGracefulShutdown: {
                        self.stop()
                    }
                }
            }
            if let loss = loss.withLockedValue({ $0 }) { throw loss }
            settle(.failure(Self.stoppedEarly))
        } catch {
            settle(.failure(error))
            throw error
        }
    }

    /// Runs a session in a Swift task of its own, which the cancellation of the caller does not reach: a transport
    /// refuses the calls of a cancelled task, so that results and follow-ups of finished tasks would be lost.
    private func work(_ consumption: Consumption) async throws {
        let session = WorkerSession(worker: self, consumer: consumption.consumer, paused: consumption.paused)
        let bound = StopBound(
            stopping: stopping, limit: configuration.stopTimeout, signals: signals, timers: timers, executor: executor
        ) {
            if session.cancelHandlers() { self.givingUp.open() }
            return session.hasWorkToEnd
        }
        let hasEnded = try await Self.$isCurrent.withValue(true) {
            try await bound.run {
                try await session.run(until: self.stopping) {
                    self.health.consumes(by: consumption.consumer)
                    self.settle(.success(()))
                }
            }
        }
        if hasEnded { return }
        givingUp.open()
        try session.abandon()
    }

    private static var stoppedEarly: CeleriacError {
        CeleriacError(.closed, "the worker was stopped before it could consume from its queues")
    }

    /// Whether the stop did not get all that it waited for: the worker cancelled tasks that still ran, or waits no longer for
    /// what has not ended. ``run()`` returns normally all the same.
    package var hasGivenUp: Bool { givingUp.isOpen }

    /// Begins a graceful stop. ``run()`` returns when it is complete, or has taken as long as it may.
    public func stop() {
        stopping.open()
        settle(.failure(Self.stoppedEarly))
    }

    /// Returns once the worker consumes from its queues.
    ///
    /// - Throws: the worker's error if it ended before it consumed; ``CeleriacError`` with code `closed` if it was
    ///   stopped before; `CancellationError` when the caller's task is cancelled.
    public func ready() async throws {
        try await isSettled.waitUnlessCancelled()
        try readiness.withLockedValue { $0 }?.get()
    }

    /// How long the result store has been out of reach; nil while it is not, and for a worker that keeps no results. It
    /// is for health checks. The gauge `celeriac_result_store_up` (1 or 0) tells the same: it is in the metrics system
    /// that the process has when the worker is made.
    public var resultStoreOutage: Duration? { watch?.outage }

    /// Lets callers of ``ready()`` go on. Only the first call counts.
    private func settle(_ result: Result<Void, any Error>) {
        readiness.withLockedValue { readiness in
            if readiness == nil { readiness = result }
        }
        isSettled.open()
    }

    /// What a worker has when it begins to consume.
    private struct Consumption: Sendable {
        let consumer: any MessageConsumer
        /// The names of the queues that the consumer leaves out because they are paused.
        let paused: Set<String>
        /// Why nobody could say which queues are paused; nil if somebody could.
        let failure: (any Error)?
    }

    /// Begins to consume. While the broker is out of reach the worker tries again, however long that takes. A stop ends
    /// the wait for an attempt and for the pause after it.
    ///
    /// - Returns: the consumer; nil if the worker was stopped first.
    /// - Throws: the broker's error if it refuses the worker, or if it is out of reach and the worker may not try again.
    private func connect() async throws -> Consumption? {
        var options = ConsumerOptions(
            queues: configuration.queues, prefetch: configuration.window, nodeName: nodeName)
        options.attemptCounter = (store as? any AttemptCountingStore)?.attemptCounter
        options.parkingPolicy = configuration.parkingPolicy
        options.maximumAttempts = configuration.maximumAttempts
        // The store may be at the same server.
        options.news.isSilent = { [store] in (store as? any DoubtedServer)?.doubt() }
        if let metrics {
            options.news.isBack = { metrics.reconnected() }
            options.news.hasStalled = { metrics.stalled($0) }
        }
        if !configuration.retriesLostConnection {
            options.news.isLost = { [loss, stopping, logger] error in
                // A worker that stops in any case has not failed.
                if stopping.isOpen { return }
                loss.withLockedValue { loss in
                    if loss != nil { return }
                    loss = CeleriacError(
                        .unavailable, "the connection to the broker was lost, and the worker may not connect again",
                        cause: error)
                }
                logger.critical(
                    "the connection to the broker is lost, and the worker may not connect again: it stops",
                    metadata: ["error": "\(error)"])
                stopping.open()
            }
        }
        var backoff = Backoff()
        var retries = 0
        while !stopping.isOpen {
            let isOver = Gate()
            let stopped = stopping.onOpen { isOver.open() }
            defer { stopping.forget(stopped) }
            do {
                let consumption = try await isOver.wait(forWorkOn: executor) { [broker, store, options, logger] in
                    try await (store as? any RefusingStore)?.checkUse()
                    let (paused, failure) = try await Self.paused(among: options.queues, at: broker, logger)
                    var options = options
                    options.queues.removeAll { paused.contains($0.name) }
                    return Consumption(consumer: try await broker.consume(options), paused: paused, failure: failure)
                } late: { consumption in
                    await consumption.consumer.stop()
                    try? await consumption.consumer.giveBack([])
                    try? await consumption.consumer.close()
                }
                // A broker that refuses the worker altogether has said so by now, and a stop is no failure.
                if let failure = consumption?.failure {
                    logger.warning("cannot see whether queues are paused", metadata: ["error": "\(failure)"])
                }
                return consumption
            } catch let error as CeleriacError where error.code == .unavailable {
                guard configuration.retriesFirstConnection, retries < configuration.maximumFirstRetries ?? .max else {
                    throw error
                }
                retries += 1
                let pause = backoff.next()
                logger.warning(
                    "the broker is out of reach, trying again",
                    metadata: ["broker": "\(broker.name)", "error": "\(error)", "seconds": "\(pause.seconds)"])
                await stopping.wait(atMost: pause, timers: timers)
            }
        }
        return nil
    }

    /// The names of the queues that are paused. If nobody can say, none is.
    ///
    /// - Returns: the names, and why nobody can say.
    /// - Throws: the broker's error if it is out of reach.
    private static func paused(
        among queues: [TaskQueue], at broker: any MessageBroker, _ logger: Logger
    ) async throws -> (names: Set<String>, failure: (any Error)?) {
        do {
            let paused = try await broker.pausedQueues(among: queues.map(\.name))
            if !paused.isEmpty {
                logger.warning(
                    "queues are paused, and not served until they are resumed",
                    metadata: ["queues": "\(paused.sorted())"])
            }
            return (paused, nil)
        } catch let error as CeleriacError where error.code == .unavailable {
            throw error
        } catch {
            return ([], error)
        }
    }

    /// What a dialect may know when it publishes what follows from a task.
    func publicationContext() -> PublicationContext {
        client?.publicationContext()
            ?? PublicationContext(
                now: timers.now, replyTo: store?.replyTo ?? "", defaultQueue: configuration.queues.first?.name ?? "",
                routes: [:], countsChords: store?.countsChords ?? false,
                keepsResults: store.map { !$0.deliversOnce } ?? false, resultExpiry: configuration.resultExpiry)
    }
}
