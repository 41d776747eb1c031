public import CeleriacCore
public import CeleriacWire
public import Logging
public import MachineryDialect
public import MachineryWire
import NIOConcurrencyHelpers
public import NIOCore
public import NIOPosix
public import ServiceLifecycle

/// A Machinery application. It sends tasks to Machinery workers in Go or Swift, reads their results, and makes workers.
///
/// ```swift
/// let server = try MachineryServer(
///     configuration: .init(broker: "redis://localhost", resultBackend: "redis://localhost"))
/// let worker = server.worker(consumerTag: "worker") { Tasks.add.handler { $0.elements.reduce(0, +) } }
/// let result = try await server.send(Tasks.add([1, 2]))
/// let three = try await result.get(timeout: .seconds(5), every: .milliseconds(5))
/// ```
///
/// It is also a service: while it runs, it sends the registered periodic tasks.
public final class MachineryServer: TaskSender, Service {
    /// The application's settings.
    public let configuration: MachineryConfiguration
    /// Sends tasks and reads results.
    public let client: TaskClient
    let formats: MachineryFormats
    let broker: any MessageBroker
    let backend: any ResultStore
    let lock: any MachineryLock
    let eventLoopGroup: any EventLoopGroup
    let timers: any TimerSource
    let logger: Logger
    let periodic = NIOLockedValueBox<[BeatEntry]>([])

    /// Makes an application. It connects on first use.
    ///
    /// - Parameters:
    ///   - configuration: the application's settings.
    ///   - broker: a broker of your own; nil for the one that the configuration names.
    ///   - backend: a result backend of your own; nil for the one that the configuration names.
    ///   - lock: a lock of your own for periodic tasks; nil for the one that the configuration names.
    ///   - eventLoopGroup: where connections and timers run. The application does not shut it down.
    ///   - logger: the logger of the application, its connections and its workers.
    /// - Throws: ``CeleriacError`` with code `configuration` for a URL that cannot be used.
    public init(
        configuration: MachineryConfiguration,
        broker: (any MessageBroker)? = nil,
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
        var sending = ClientConfiguration(
            defaultQueue: configuration.defaultRoutingKey, resultExpiry: configuration.resultExpiry)
        sending.middleware = configuration.middleware
        sending.stampsSendTimes = configuration.stampsSendTimes
        sending.tracer = configuration.tracer
        self.client = TaskClient(
            dialect: formats, broker: self.broker, store: self.backend, configuration: sending, timers: timers,
            logger: logger)
        for notice in configuration.notices { logger.notice("\(notice)") }
    }

    // MARK: Sending

    /// Makes Machinery's signature of a task or a chain of tasks, with its arguments, for workflows, retries and
    /// callbacks.
    ///
    /// - Throws: ``CeleriacError`` with code `argumentMismatch` or `unsupported` for a task that Machinery cannot
    ///   carry.
    public func signature<Value>(_ signature: Signature<Value>, options: SendOptions = SendOptions()) throws
        -> MachinerySignature
    {
        let made = try formats.signature(of: client.submission(of: signature, options: options), now: timers.now)
        try formats.check(made)
        return made
    }

    /// Sends a signature as it is, with everything that it carries: retries, callbacks, a routing key.
    ///
    /// - Parameters:
    ///   - signature: the signature to send.
    ///   - type: what the task returns.
    /// - Returns: a handle on the task's result.
    /// - Throws: ``CeleriacError`` with code `argumentMismatch` or `unsupported` when nothing was sent, `publishFailed`
    ///   when the broker did not confirm the message, which may have been delivered all the same.
    @discardableResult
    public func send<Value: Codable & Sendable>(
        _ signature: MachinerySignature, returning type: Value.Type = WireValue.self
    ) async throws -> AsyncResult<Value> {
        result(try await send(native: .signature(signature), name: signature.name).id, as: type)
    }

    /// Sends a chain.
    ///
    /// - Returns: handles on the results of all its tasks, in order; the last one is the chain's result.
    /// - Throws: as `send` of one task.
    @discardableResult
    public func send(_ chain: MachineryChain) async throws -> [AsyncResult<WireValue>] {
        var results = [try await send(native: .chain(chain), name: "chain")]
        while let parent = results.last?.parent { results.append(parent) }
        return results.reversed()
    }

    /// Sends a group.
    ///
    /// - Parameters:
    ///   - group: the group to send.
    ///   - sendConcurrency: how many tasks may be on their way to the broker unconfirmed; 0 for all.
    /// - Returns: handles on the results, in the group's order.
    /// - Throws: as `send` of one task. When publishing fails, some of the tasks may have been delivered.
    @discardableResult
    public func send(_ group: MachineryGroup, sendConcurrency: Int = 0) async throws -> [AsyncResult<WireValue>] {
        try await send(native: .group(group), name: "group", atOnce: sendConcurrency).members ?? []
    }

    /// Sends a chord.
    ///
    /// - Parameters:
    ///   - chord: the chord to send.
    ///   - sendConcurrency: how many tasks of its group may be on their way to the broker unconfirmed; 0 for all.
    /// - Returns: handles on the results of the group's tasks and of the callback.
    /// - Throws: as `send` of one task. When publishing fails, some of the tasks may have been delivered.
    @discardableResult
    public func send(_ chord: MachineryChord, sendConcurrency: Int = 0) async throws -> MachineryChordResult {
        let callback = try await send(native: .chord(chord), name: "chord", atOnce: sendConcurrency)
        return MachineryChordResult(members: callback.parent?.members ?? [], callback: callback)
    }

    private func send(
        native: MachineryWorkflow, name: String, atOnce: Int = 0
    ) async throws -> AsyncResult<WireValue> {
        try await client.send(Signature(native: native, name: name), unconfirmed: atOnce > 0 ? atOnce : .max)
    }

    /// Closes the application's connections, and the lock of its periodic tasks. Stop its workers first.
    public func close() async {
        await lock.close()
        await client.close()
    }
}

/// Handles on the results of a chord that was sent: those of its tasks and that of its callback.
public struct MachineryChordResult: Sendable {
    /// The results of the group's tasks, in its order.
    public let members: [AsyncResult<WireValue>]
    /// The callback's result.
    public let callback: AsyncResult<WireValue>

    /// Waits for every task of the group and then for the callback.
    ///
    /// - Parameter timeout: how long to wait for all of them together; nil for no limit.
    /// - Returns: what the callback returned.
    /// - Throws: the ``RemoteTaskError`` of the first task that failed, where Machinery returns neither result nor
    ///   error; otherwise as ``AsyncResult/get(timeout:)``.
    public func get(timeout: Duration? = nil) async throws -> WireValue {
        guard let last = try await (members + [callback]).get(timeout: timeout).last else { return .null }
        return last
    }
}
