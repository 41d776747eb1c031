import CeleriacCore
import CeleriacTestKit
import Logging
import NIOPosix
import UnixSignals

/// A worker and a client on one broker in memory, in virtual time.
struct Bench: Sendable {
    let memory = MemoryBroker()
    let broker: any MessageBroker
    let store: any ResultStore
    let timers = VirtualTimers()
    let client: TaskClient
    let logger: Logger

    /// - Parameters:
    ///   - store: where results are kept.
    ///   - logger: the logger of workers and the client.
    ///   - sending: what the client does if a call does not say.
    ///   - wrap: makes the broker of one in memory.
    init(
        store: any ResultStore = MemoryResultStore(),
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        sending: ClientConfiguration = ClientConfiguration(defaultQueue: "q"),
        _ wrap: (MemoryBroker) -> any MessageBroker = { $0 }
    ) {
        self.store = store
        self.logger = logger
        broker = wrap(memory)
        client = TaskClient(
            dialect: PlainDialect(), broker: broker, store: store, configuration: sending, timers: timers,
            logger: logger)
    }

    func worker(
        concurrency: Int = 2, prefetchMultiplier: Int = 4, hooks: WorkerHooks = WorkerHooks(),
        acknowledgement: TaskOptions.Acknowledgement = .late,
        parts: [any WorkerPart] = [], signals: [UnixSignal] = [.sigint, .sigterm], sends: Bool = false,
        configure: (inout WorkerConfiguration) -> Void = { _ in },
        @TaskHandlerBuilder handlers: () -> [TaskHandler]
    ) -> TaskWorker {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        var configuration = WorkerConfiguration(
            queues: ["q"], concurrency: concurrency, prefetchMultiplier: prefetchMultiplier, nodeName: "w@test",
            acknowledgement: acknowledgement, hooks: hooks)
        configure(&configuration)
        return TaskWorker(
            dialect: PlainDialect(), broker: broker, store: store, configuration: configuration,
            timers: timers, executor: EventLoopTaskExecutor(loop), client: sends ? client : nil, logger: logger,
            handlers: handlers(), parts: parts, signals: signals)
    }

    /// A worker with one slot, whose tasks return their argument once `finish` is open.
    func worker(of task: TaskDefinition<String, String>, until finish: Gate, parts: [any WorkerPart]) -> TaskWorker {
        worker(concurrency: 1, parts: parts) {
            task.handler { text in
                await finish.wait()
                return text
            }
        }
    }

    /// Runs the worker while `body` runs, then stops it gracefully.
    func run<Value: Sendable>(_ worker: TaskWorker, _ body: @Sendable () async throws -> Value) async throws -> Value {
        try await withRunning(worker, body)
    }
}
