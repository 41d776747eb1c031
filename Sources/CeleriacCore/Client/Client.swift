public import CeleriacWire
import Logging

public import struct FoundationEssentials.Date
import struct FoundationEssentials.UUID

/// Sends tasks and reads their results.
///
/// Connections are made on first use and kept; ``close()`` ends them.
public final class Client: Sendable {
    /// What the client does where a call does not say.
    public let configuration: ClientConfiguration
    private let dialect: any Dialect
    private let broker: any Broker
    private let store: (any ResultStore)?
    private let timers: any TimerSource
    private let hub: ResultHub
    private let encoder: WireEncoder
    private let decoder: WireDecoder

    /// Makes a client of its parts.
    ///
    /// - Parameter store: where results are kept; nil if none are ever read.
    public init(
        dialect: any Dialect,
        broker: any Broker,
        store: (any ResultStore)?,
        configuration: ClientConfiguration,
        timers: any TimerSource,
        logger: Logger
    ) {
        self.dialect = dialect
        self.broker = broker
        self.store = store
        self.configuration = configuration
        self.timers = timers
        self.hub = ResultHub(dialect: dialect, logger: logger)
        self.encoder = WireEncoder(coding: dialect.valueCoding)
        self.decoder = WireDecoder(coding: dialect.valueCoding)
    }

    /// Sends a task, and returns once the broker has taken it.
    ///
    /// What is given here wins over the signature's options, those over the client's configuration.
    ///
    /// - Parameters:
    ///   - countdown: run it no earlier than this long from now.
    ///   - eta: run it no earlier than this time.
    ///   - expires: do not run it after this time.
    ///   - priority: as the broker understands it, see ``SendOptions/priority``.
    ///   - queue: the queue.
    ///   - headers: custom headers.
    ///   - timeLimits: limits for the run.
    ///   - ignoresResult: whether the worker stores no result.
    ///   - serializer: the form of the body.
    ///   - compression: the compression of the body.
    /// - Throws: ``CeleriacError`` with code `argumentMismatch` or `unsupported` when nothing was sent, `publishFailed`
    ///   when the broker did not confirm it (it may have been delivered all the same).
    @discardableResult
    public func send<Value>(
        _ signature: Signature<Value>,
        countdown: Duration? = nil,
        eta: Date? = nil,
        expires: Date? = nil,
        priority: UInt8? = nil,
        queue: String? = nil,
        headers: WireObject = [:],
        timeLimits: TimeLimits = TimeLimits(),
        ignoresResult: Bool? = nil,
        serializer: Serializer? = nil,
        compression: Compression? = nil
    ) async throws -> AsyncResult<Value> {
        let options = SendOptions(
            countdown: countdown, eta: eta, expires: expires, priority: priority, queue: queue, headers: headers,
            timeLimits: timeLimits, ignoresResult: ignoresResult, serializer: serializer, compression: compression)
        let prepared = try prepare(signature, options: options)
        try await publish([prepared.message])
        return prepared.result
    }

    /// Sends many tasks of one result type in one go: one flush, one confirmation for all.
    ///
    /// - Parameter options: options for all of them, over those of the signatures.
    /// - Returns: the results to come, in the order of the signatures.
    /// - Throws: as `send` of one. When publishing fails, some of the tasks may have been delivered.
    @discardableResult
    public func send<Value>(_ signatures: [Signature<Value>], options: SendOptions = SendOptions()) async throws
        -> [AsyncResult<Value>]
    {
        let prepared = try signatures.map { try prepare($0, options: options) }
        try await publish(prepared.map(\.message))
        return prepared.map(\.result)
    }

    /// A handle on a task that was sent elsewhere or earlier.
    ///
    /// - Parameters:
    ///   - id: the task's id.
    ///   - type: what the task returns.
    public func result<Value: Codable & Sendable>(_ id: String, as type: Value.Type = Value.self)
        -> AsyncResult<Value>
    {
        AsyncResult(id: id, client: self, coding: .codable, ticket: ticket(for: id))
    }

    /// Closes the connections. Waiting callers get an error.
    public func close() async {
        await broker.close()
        await store?.close()
    }

    // MARK: Sending

    private func prepare<Value>(_ signature: Signature<Value>, options: SendOptions) throws
        -> (message: OutgoingMessage, result: AsyncResult<Value>)
    {
        var options = configuration.defaultOptions.overridden(by: signature.options).overridden(by: options)
        options.queue = options.queue ?? configuration.routes[signature.task] ?? configuration.defaultQueue
        let arguments: EncodedArguments
        do {
            arguments = try signature.encodeArguments(encoder)
        } catch {
            throw CeleriacError(
                .argumentMismatch, "the arguments of \(signature.task) cannot be encoded", cause: error)
        }
        let id = options.taskID ?? UUID().uuidString.lowercased()
        let submission = TaskSubmission(
            id: id, name: signature.task, arguments: arguments.positional, keywordArguments: arguments.keywords,
            options: options, replyTo: store?.replyTo ?? "")
        let message = try dialect.message(for: submission, now: timers.now)
        let keepsResult = options.ignoresResult != true
        return (
            message,
            AsyncResult(
                id: id, client: self, coding: signature.resultCoding, ticket: keepsResult ? ticket(for: id) : nil)
        )
    }

    private func ticket(for id: String) -> ResultTicket? {
        store?.deliversOnce == true ? hub.hold(id) : nil
    }

    private func publish(_ messages: [OutgoingMessage]) async throws {
        // A store that answers on a queue must have that queue before the first answer can come.
        if let store, store.deliversOnce { try await store.watch([], sink: hub) }
        try await broker.publish(messages)
    }

    // MARK: Results

    func finalResult(of id: String, timeout: Duration?) async throws -> TaskResult {
        guard let result = try await finalResults(of: [id], timeout: timeout).first else {
            throw CeleriacError(.resultStore, "no result for task \(id)")
        }
        return result
    }

    func finalResults(of ids: [String], timeout: Duration?) async throws -> [TaskResult] {
        guard let store else {
            throw CeleriacError(
                .configuration, "there is no result store: give the application one, or send with ignoresResult")
        }
        let wait = ResultWait(ids)
        hub.begin(wait)
        let timer = timeout.map { timers.schedule(after: $0) { wait.end() } }
        defer {
            timer?.cancel()
            store.unwatch(hub.end(wait, ids))
        }
        let results = try await withTaskCancellationHandler {
            if !wait.missing.isEmpty {
                // Subscribe, then read: whatever is stored in between comes by both ways.
                try await store.watch(wait.missing, sink: hub)
                try await fetch(wait.missing, from: store)
            }
            return try await complete(wait, store: store, timeout: timeout)
        } onCancel: {
            wait.end()
        }
        return try ids.map { id in
            guard let result = results[id] else { throw CeleriacError(.resultStore, "no result for task \(id)") }
            return result
        }
    }

    private func complete(_ wait: ResultWait, store: any ResultStore, timeout: Duration?) async throws
        -> [String: TaskResult]
    {
        while true {
            switch try await wait.next() {
            case .complete(let results):
                return results
            case .refetch(let missing):
                try await fetch(missing, from: store)
            case .ended(let missing):
                try Task.checkCancellation()
                throw CeleriacError(
                    .timeout, "\(missing) result(s) did not arrive within \(timeout?.description ?? "the time given")")
            }
        }
    }

    private func fetch(_ ids: [String], from store: any ResultStore) async throws {
        let payloads = try await store.fetch(ids)
        hub.receive(zip(ids, payloads).compactMap { id, payload in payload.map { (id, $0) } })
    }

    func currentResult(of id: String) async throws -> TaskResult? {
        guard let store else { return nil }
        if store.deliversOnce { return hub.latest(id) }
        guard let payload = try await store.fetch([id]).first ?? nil else { return nil }
        return try dialect.result(from: payload)
    }

    func forget(_ id: String) async throws {
        try await store?.forget([id])
    }

    func value<Value>(of result: TaskResult, coding: ResultCoding<Value>) throws -> Value {
        if let error = result.error { throw error }
        guard result.state == .success else {
            throw RemoteTaskError(
                taskID: result.taskID, state: result.state, type: "Exception", module: nil, arguments: [result.value])
        }
        do {
            return try coding.decode(result.value, decoder)
        } catch {
            throw CeleriacError(
                .resultMismatch, "the result of task \(result.taskID) is not a \(Value.self)", cause: error)
        }
    }
}
