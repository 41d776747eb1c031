import CeleriacWire
package import Logging
import NIOPosix
public import ServiceLifecycle
import Synchronization

/// Serves tasks: takes messages from its queues, runs their handlers, stores results and settles the messages.
///
/// A worker is a service: run it in a `ServiceGroup`, or call ``run()``. At a graceful shutdown it takes no more messages,
/// lets running handlers end, stores their results and gives back what had not begun.
public final class Worker: Service {
    let dialect: any Dialect
    let broker: any Broker
    let store: (any ResultStore)?
    let configuration: WorkerConfiguration
    let handlers: [String: TaskHandler]
    let timers: any TimerSource
    let logger: Logger
    /// Sends what handlers and callbacks send; nil where nothing is to be sent.
    let client: Client?
    /// The error callbacks that are called here rather than sent.
    let errorHandlers: Set<String>
    let parts: [any WorkerPart]
    private let machinery: any TaskExecutor
    let stopping = Gate()
    private let isReady = Gate()

    /// Makes a worker of its parts.
    ///
    /// - Parameters:
    ///   - machinery: where the worker's own loops run: an executor that handlers cannot block.
    ///   - handlers: the tasks that it serves; of two with one name the last is taken.
    ///   - parts: what runs beside it.
    package init(
        dialect: any Dialect,
        broker: any Broker,
        store: (any ResultStore)?,
        configuration: WorkerConfiguration,
        timers: any TimerSource,
        machinery: any TaskExecutor,
        client: Client? = nil,
        logger: Logger,
        handlers: [TaskHandler],
        parts: [any WorkerPart] = []
    ) {
        self.client = client
        self.errorHandlers = Set(handlers.lazy.filter { $0.callback != nil }.map(\.name))
        self.dialect = dialect
        self.broker = broker
        self.store = store
        self.configuration = configuration
        self.timers = timers
        self.machinery = machinery
        self.logger = logger
        self.parts = parts
        self.handlers = Dictionary(
            handlers.map { ($0.name, configuration.configured($0)) }, uniquingKeysWith: { $1 })
    }

    /// Works until a graceful shutdown, ``stop()``, cancellation, or an error that the worker cannot get over.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for settings that cannot work; the broker's error when it
    ///   refuses the worker.
    public func run() async throws {
        try configuration.validate()
        try await withTaskExecutorPreference(machinery) {
            try await withGracefulShutdownHandler {
                guard let consumer = try await self.connect() else { return }
                try await WorkerSession(worker: self, consumer: consumer).run(until: self.stopping) {
                    self.isReady.open()
                }
            } onGracefulShutdown: {
                self.stop()
            }
        }
    }

    /// How what follows from a task is published.
    func publicationContext() -> PublicationContext {
        client?.publicationContext()
            ?? PublicationContext(
                now: timers.now, replyTo: store?.replyTo ?? "", defaultQueue: configuration.queues.first ?? "celery",
                routes: [:], countsChords: store is any ChordStore,
                keepsResults: store.map { !$0.deliversOnce } ?? false, resultExpiry: configuration.resultExpiry)
    }

    /// Begins a graceful stop; ``run()`` returns when it is done.
    public func stop() { stopping.open() }

    /// Returns once the worker consumes from its queues.
    public func ready() async { await isReady.wait() }

    /// Connects, however long that takes: a worker that starts before its broker waits for it.
    private func connect() async throws -> (any MessageConsumer)? {
        let options = ConsumerOptions(
            queues: configuration.queues.map { TaskQueue($0) }, prefetch: configuration.window,
            nodeName: configuration.nodeName)
        var backoff = Backoff()
        while !stopping.isOpen {
            do {
                return try await broker.consume(options)
            } catch let error as CeleriacError where error.code == .unavailable {
                let pause = backoff.next()
                logger.warning(
                    "the broker is out of reach, trying again",
                    metadata: ["broker": "\(broker.name)", "error": "\(error)", "seconds": "\(pause.seconds)"])
                try await timers.sleep(for: pause)
            }
        }
        return nil
    }
}
