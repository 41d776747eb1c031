import CeleriacWire
public import Logging

/// Sends tasks and reads their results.
///
/// Connections are made on first use and kept; ``close()`` ends them.
public final class Client: TaskSender {
    /// The client itself.
    public var client: Client { self }

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

    /// Closes the connections. Waiting callers get an error.
    public func close() async {
        await broker.close()
        await store?.close()
    }

    // MARK: Sending

    func send<Value>(_ signature: Signature<Value>, options: SendOptions) async throws -> AsyncResult<Value> {
        let prepared = try prepare(signature, options: options)
        try await publish([prepared.message], storing: [prepared.record])
        return prepared.result
    }

    func send<Value>(batch signatures: [Signature<Value>], options: SendOptions) async throws -> [AsyncResult<Value>] {
        let prepared = try signatures.map { try prepare($0, options: options) }
        try await publish(prepared.map(\.message), storing: prepared.map(\.record))
        return prepared.map(\.result)
    }

    /// What is sent for a signature, before a dialect makes a message of it.
    package func submission<Value>(for signature: Signature<Value>, options: SendOptions) throws -> TaskSubmission {
        var options = configuration.defaultOptions.overridden(by: signature.options).overridden(by: options)
        options.queue = options.queue ?? configuration.routes[signature.task] ?? configuration.defaultQueue
        let arguments: EncodedArguments
        do {
            arguments = try signature.encodeArguments(encoder)
        } catch {
            throw CeleriacError(
                .argumentMismatch, "the arguments of \(signature.task) cannot be encoded", cause: error)
        }
        return TaskSubmission(
            id: options.taskID ?? dialect.newTaskID(), name: signature.task, arguments: arguments.positional,
            keywordArguments: arguments.keywords, options: options, replyTo: store?.replyTo ?? "")
    }

    private func prepare<Value>(_ signature: Signature<Value>, options: SendOptions) throws
        -> (message: OutgoingMessage, record: ResultRecord?, result: AsyncResult<Value>)
    {
        let submission = try submission(for: signature, options: options)
        let options = submission.options
        let id = submission.id
        let now = timers.now
        let message = try dialect.message(for: submission, now: now)
        let keepsResult = options.ignoresResult != true
        return (
            message,
            keepsResult ? try dialect.record(before: submission, now: now, expiry: configuration.resultExpiry) : nil,
            AsyncResult(
                id: id, client: self, coding: signature.resultCoding, ticket: keepsResult ? ticket(for: id) : nil)
        )
    }

    func ticket(for id: String) -> ResultTicket? {
        store?.deliversOnce == true ? hub.hold(id) : nil
    }

    /// Publishes messages, after what is stored of their tasks beforehand.
    package func publish(_ messages: [OutgoingMessage], storing records: [ResultRecord?]) async throws {
        // A store that answers on a queue must have that queue before the first answer can come.
        if let store, store.deliversOnce { try await store.watch([], sink: hub) }
        let records = records.compactMap(\.self)
        if !records.isEmpty { try await store?.store(records) }
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
            // Where nobody tells of results they are asked for, again and again.
            let poll = store.pollInterval.map { timers.schedule(after: $0) { wait.needsFetch() } }
            defer { poll?.cancel() }
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

    /// Asks for a result every so often, until it is final.
    func finalResult(of id: String, every interval: Duration, timeout: Duration?) async throws -> TaskResult {
        let timeIsUp = Gate()
        let timer = timeout.map { timers.schedule(after: $0) { timeIsUp.open() } }
        defer { timer?.cancel() }
        guard store != nil else {
            throw CeleriacError(.configuration, "there is no result store: give the application one")
        }
        while true {
            if let result = try await currentResult(of: id), result.state.isFinal { return result }
            if timeIsUp.isOpen {
                throw CeleriacError(.timeout, "a result did not arrive within \(timeout ?? .zero)")
            }
            try await timers.sleep(for: interval)
        }
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
