public import CeleriacCore
public import CeleriacWire
public import Logging
public import MachineryDialect
public import MachineryWire
import NIOConcurrencyHelpers
public import NIOCore
public import NIOPosix
public import ServiceLifecycle

/// A Machinery application: it sends tasks to Machinery workers, in Go or in Swift, reads their results, and makes workers.
///
/// ```swift
/// let server = try MachineryServer(configuration: .init(broker: "redis://localhost", resultBackend: "redis://localhost"))
/// server.register { Tasks.add.handled { $0.elements.reduce(0, +) } }
/// let result = try await server.send(Tasks.add([1, 2]))
/// let three = try await result.get(timeout: .seconds(5), every: .milliseconds(5))
/// ```
///
/// It is also a service: while it runs, it sends the periodic tasks that were registered.
public final class MachineryServer: TaskSender, Service {
    /// The application's settings.
    public let configuration: MachineryConfiguration
    /// Sends tasks and reads results.
    public let client: Client
    let formats: MachineryFormats
    let broker: any Broker
    let backend: any ResultStore
    let lock: any MachineryLock
    let eventLoopGroup: any EventLoopGroup
    let timers: any TimerSource
    let logger: Logger
    private let registry = NIOLockedValueBox<[TaskHandler]>([])
    let periodic = NIOLockedValueBox<[PeriodicTask]>([])

    /// Makes an application. It connects on first use.
    ///
    /// - Parameters:
    ///   - broker: a broker of your own; nil for that of the configuration.
    ///   - backend: a result backend of your own; nil for that of the configuration.
    ///   - lock: a lock of your own for periodic tasks; nil for that of the configuration.
    /// - Throws: ``CeleriacError`` with code `configuration` for a URL that cannot be used.
    public init(
        configuration: MachineryConfiguration,
        broker: (any Broker)? = nil,
        backend: (any ResultStore)? = nil,
        lock: (any MachineryLock)? = nil,
        eventLoopGroup: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup,
        logger: Logger = Logger(label: "machinery")
    ) throws {
        let timers = EventLoopTimerSource(eventLoop: eventLoopGroup.next())
        let factory = MachineryTransportFactory(
            configuration: configuration, eventLoopGroup: eventLoopGroup, logger: logger)
        self.configuration = configuration
        self.formats = configuration.formats
        self.broker = try broker ?? factory.broker()
        self.backend = try backend ?? factory.backend()
        self.lock = try lock ?? factory.lock(timers: timers)
        self.eventLoopGroup = eventLoopGroup
        self.timers = timers
        self.logger = logger
        self.client = Client(
            dialect: formats, broker: self.broker, store: self.backend,
            configuration: ClientConfiguration(
                defaultQueue: configuration.defaultRoutingKey, resultExpiry: configuration.resultExpiry),
            timers: timers, logger: logger)
    }

    // MARK: Tasks

    /// Registers tasks: what every worker of this application serves. Of two with one name the last is taken.
    public func register(@TaskHandlerBuilder _ handlers: () -> [TaskHandler]) {
        let handlers = handlers()
        registry.withLockedValue { $0 += handlers }
    }

    /// The tasks that are registered.
    public var registeredTasks: [TaskHandler] { registry.withLockedValue { $0 } }

    /// A worker of this application; run it in a `ServiceGroup`, or call its `run()` or `launch()`.
    ///
    /// - Parameters:
    ///   - consumerTag: the worker's name; at RabbitMQ the tag under which it consumes.
    ///   - concurrency: how many tasks run at once. 0 is, as in Machinery, no limit at RabbitMQ (the prefetch count is one)
    ///     and twice the number of processors elsewhere.
    ///   - queue: the queue that it serves; nil for the default queue.
    public func makeWorker(consumerTag: String, concurrency: Int = 0, queue: String? = nil) -> MachineryWorker {
        MachineryWorker(server: self, consumerTag: consumerTag, concurrency: concurrency, queue: queue)
    }

    // MARK: Sending

    /// The signature of a task with its arguments, for workflows and callbacks.
    ///
    /// - Throws: ``CeleriacError`` with code `argumentMismatch` or `unsupported` for what Machinery cannot carry.
    public func signature<Value>(_ signature: Signature<Value>, options: SendOptions = SendOptions()) throws
        -> MachinerySignature
    {
        let submission = try client.submission(for: signature, options: options)
        var made = try formats.signature(for: submission, now: timers.now)
        // What is not said is filled in when it is sent.
        made.uuid = options.taskID ?? signature.options.taskID ?? ""
        made.routingKey = options.queue ?? signature.options.queue ?? ""
        made.headers = made.headers?.isEmpty == true ? nil : made.headers
        return made
    }

    /// Sends a task as it stands, with all that it carries: retries, callbacks, a routing key.
    ///
    /// - Parameter type: what the task returns.
    /// - Throws: ``CeleriacError`` with code `argumentMismatch` or `unsupported` when nothing was sent, `publishFailed`
    ///   when the broker did not confirm it.
    @discardableResult
    public func send<Value: Codable & Sendable>(
        _ signature: MachinerySignature, returning type: Value.Type = WireValue.self
    ) async throws -> AsyncResult<Value> {
        var signature = signature
        if signature.uuid.isEmpty { signature.uuid = formats.newTaskID() }
        try await submit(
            formats.submission(of: signature, now: timers.now, expiry: configuration.resultExpiry))
        return result(signature.uuid, as: type)
    }

    /// Sends a chain.
    ///
    /// - Returns: the results to come of all its tasks, in order; the last is the chain's.
    /// - Throws: as `send` of one task.
    @discardableResult
    public func send(_ chain: MachineryChain) async throws -> [AsyncResult<WireValue>] {
        try await submit(formats.submission(of: chain, now: timers.now, expiry: configuration.resultExpiry))
        return chain.tasks.map { result($0.uuid, as: WireValue.self) }
    }

    /// Sends a group.
    ///
    /// - Parameter sendConcurrency: how many tasks are on their way to the broker at once; 0 for all.
    /// - Returns: the results to come, in the group's order.
    /// - Throws: as `send` of one task. When publishing fails, some of the tasks may have been delivered.
    @discardableResult
    public func send(_ group: MachineryGroup, sendConcurrency: Int = 0) async throws -> [AsyncResult<WireValue>] {
        try await submit(
            formats.submission(of: group, now: timers.now, expiry: configuration.resultExpiry),
            sendConcurrency: sendConcurrency)
        return group.tasks.map { result($0.uuid, as: WireValue.self) }
    }

    /// Sends a chord.
    ///
    /// - Parameter sendConcurrency: how many tasks are on their way to the broker at once; 0 for all.
    /// - Returns: the chord's result to come.
    /// - Throws: as `send` of one task. When publishing fails, some of the tasks may have been delivered.
    @discardableResult
    public func send(_ chord: MachineryChord, sendConcurrency: Int = 0) async throws -> MachineryChordResult {
        try await submit(
            formats.submission(of: chord, now: timers.now, expiry: configuration.resultExpiry),
            sendConcurrency: sendConcurrency)
        return MachineryChordResult(
            members: chord.group.tasks.map { result($0.uuid, as: WireValue.self) },
            callback: result(chord.callback.uuid, as: WireValue.self))
    }

    private func submit(_ submission: MachinerySubmission, sendConcurrency: Int = 0) async throws {
        if let groups = backend as? any GroupStore, !submission.groups.isEmpty {
            try await groups.open(submission.groups)
        }
        let portion = sendConcurrency > 0 ? sendConcurrency : max(1, submission.messages.count)
        var records = submission.records
        for start in stride(from: 0, to: submission.messages.count, by: portion) {
            let end = min(start + portion, submission.messages.count)
            // All states are there before the first message is.
            try await client.publish(Array(submission.messages[start..<end]), storing: records)
            records = []
        }
    }

    /// Closes the application's connections. Stop its workers first.
    public func close() async {
        await client.close()
    }
}
