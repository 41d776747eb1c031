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
        hub.close()
        await broker.close()
        await store?.close()
    }

    // MARK: Sending

    /// Sends what belongs together, and returns once the broker has taken it.
    ///
    /// - Parameters:
    ///   - parent: the task that sends it, if one does.
    ///   - limit: how many messages are published before the broker has confirmed those before them.
    /// - Returns: the results to come, each with what keeps it from being missed; nil where nothing is sent.
    func submit(
        _ submissions: [Submission], parent: TaskRequest? = nil, unconfirmed limit: Int = .max
    ) async throws -> [(reference: ResultReference, ticket: ResultTicket?)?] {
        let context = publicationContext(parent: parent)
        let publications = try submissions.map { try dialect.publication(of: $0, in: context) }
        // A store that answers on a queue must have that queue before the first answer can come.
        if let store, store.deliversOnce, parent == nil { try await store.watch([], sink: hub) }
        // Held before anything is sent: an answer may come before the broker has confirmed the question.
        let results = publications.map { publication in
            publication.result.map { ($0, ticket(for: $0)) }
        }
        try await carryOut(publications.flatMap(\.effects), unconfirmed: limit)
        return results
    }

    private func carryOut(_ effects: [Effect], unconfirmed limit: Int = .max) async throws {
        var records: [ResultRecord] = []
        var messages: [OutgoingMessage] = []
        for effect in effects {
            switch effect {
            case .publish(let more): messages.append(contentsOf: more)
            case .store(let record): records.append(record)
            case .chord(let operation):
                try await publish(&messages, storing: &records, unconfirmed: limit)
                _ = try await (store as? any ChordStore)?.perform([operation])
            case .call, .settle, .pause: break
            }
        }
        try await publish(&messages, storing: &records, unconfirmed: limit)
    }

    func addToChord(_ submission: Submission, of request: TaskRequest) async throws {
        let publication = try dialect.addition(
            of: submission, toChordOf: request, in: publicationContext(parent: request))
        try await carryOut(publication.effects)
    }

    /// Publishes messages, after what is stored of their tasks beforehand.
    private func publish(
        _ messages: inout [OutgoingMessage], storing records: inout [ResultRecord], unconfirmed limit: Int
    ) async throws {
        if !records.isEmpty { try await store?.store(records) }
        records = []
        var rest = messages[...]
        messages = []
        while !rest.isEmpty {
            try await broker.publish(Array(rest.prefix(limit)))
            rest = rest.dropFirst(limit)
        }
    }

    /// How something is published by this client.
    func publicationContext(parent: TaskRequest? = nil) -> PublicationContext {
        PublicationContext(
            now: timers.now, replyTo: store?.replyTo ?? "", parent: parent, defaultQueue: configuration.defaultQueue,
            routes: configuration.routes, countsChords: store is any ChordStore,
            keepsResults: store.map { !$0.deliversOnce } ?? false, resultExpiry: configuration.resultExpiry)
    }

    /// What is to be sent for a signature, the client's options under its own and those of the call.
    package func submission<Value>(of signature: Signature<Value>, options: SendOptions = SendOptions()) throws
        -> Submission
    {
        do {
            return try signature.with(options).submission(encoder).over(configuration.defaultOptions)
        } catch {
            throw CeleriacError(
                .argumentMismatch, "the arguments of \(signature.task) cannot be encoded", cause: error)
        }
    }

    /// Sends a task, or what a dialect has beside tasks.
    ///
    /// - Parameter limit: how many messages of it are published before the broker has confirmed those before them.
    package func send<Value>(
        _ signature: Signature<Value>, options: SendOptions = SendOptions(), unconfirmed limit: Int = .max
    ) async throws -> AsyncResult<Value> {
        guard let result = try await send(batch: [signature], options: options, unconfirmed: limit).first else {
            throw CeleriacError(.unsupported, "there is nothing to send")
        }
        return result
    }

    func send<Value>(
        batch signatures: [Signature<Value>], options: SendOptions, unconfirmed limit: Int = .max
    ) async throws -> [AsyncResult<Value>] {
        let submissions = try signatures.map { try submission(of: $0, options: options) }
        let results = try await submit(submissions, unconfirmed: limit)
        return try zip(signatures, results).map { signature, result in
            guard let (reference, ticket) = result else {
                throw CeleriacError(.unsupported, "there is nothing to send")
            }
            return AsyncResult(reference: reference, client: self, coding: signature.resultCoding, ticket: ticket)
        }
    }

    func send<Value>(_ group: GroupSignature<Value>, options: SendOptions) async throws -> GroupResult<Value> {
        var group = group
        group.options = group.options.overridden(by: options)
        let submission: Submission
        do {
            submission = try group.submission(encoder).over(configuration.defaultOptions)
        } catch {
            throw CeleriacError(.argumentMismatch, "the arguments of a group cannot be encoded", cause: error)
        }
        let sent = try await submit([submission]).first ?? nil
        guard let (reference, ticket) = sent, let members = reference.members,
            members.count == group.members.count
        else {
            throw CeleriacError(.unsupported, "a group must have members, and none of them may be a group")
        }
        return GroupResult(
            reference: reference,
            results: zip(group.members, members).map { signature, reference in
                AsyncResult(reference: reference, client: self, coding: signature.resultCoding, ticket: ticket)
            }, client: self)
    }

    func result<Value>(_ reference: ResultReference, coding: ResultCoding<Value>) -> AsyncResult<Value> {
        AsyncResult(reference: reference, client: self, coding: coding, ticket: ticket(for: reference))
    }

    private func ticket(for reference: ResultReference) -> ResultTicket? {
        store?.deliversOnce == true ? hub.hold(reference.taskIDs) : nil
    }

    // MARK: Results

    /// A task's final result, or that of one before it in its chain which failed so that the task will never have any.
    func finalResult(of reference: ResultReference, timeout: Duration?) async throws -> TaskResult {
        let ids = precedingTasks(of: reference) + [reference.id]
        let results = try await finalResults(of: [reference.id], orFailureOf: ids.dropLast(), timeout: timeout)
        let failed = ids.lazy.compactMap { results[$0] }.first(where: \.hasFailed)
        guard let result = results[reference.id] ?? failed else {
            throw CeleriacError(.resultStore, "no result for task \(reference.id)")
        }
        return result
    }

    /// The tasks before one in its chain whose failure nobody stores for it.
    private func precedingTasks(of reference: ResultReference) -> [String] {
        dialect.chainsEndSilently ? (reference.parent?.taskIDs ?? []).reversed() : []
    }

    /// Waits until all tasks have a final result, or one of them or of the others has failed.
    ///
    /// - Returns: the results that are there, by the tasks' ids.
    func finalResults(
        of ids: [String], orFailureOf others: some Sequence<String> = EmptyCollection(), timeout: Duration?
    ) async throws -> [String: TaskResult] {
        guard let store else {
            throw CeleriacError(
                .configuration, "there is no result store: give the application one, or send with ignoresResult")
        }
        let wait = ResultWait(ids, orFailureOf: others)
        let ids = ids + others
        hub.begin(wait)
        let timer = timeout.map { timers.schedule(after: $0) { wait.end() } }
        defer {
            timer?.cancel()
            hub.end(wait, ids) { store.unwatch($0) }
        }
        return try await withTaskCancellationHandler {
            let missing = wait.missing
            if !missing.isEmpty {
                // Subscribe, then read: whatever is stored in between comes by both ways.
                try await store.watch(missing, sink: hub)
                try await fetch(wait.missing, from: store)
            }
            return try await complete(wait, store: store, timeout: timeout)
        } onCancel: {
            wait.end()
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
                do {
                    try await fetch(missing, from: store)
                } catch let error as CeleriacError where error.code == .unavailable && poll != nil {
                    // A store that is asked again and again may be out of reach in between.
                }
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
        return store.deliversOnce ? hub.latest(id) : try await currentResults(of: [id]).first ?? nil
    }

    /// What is stored of tasks now; nil for those of which nothing is.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` where there is no store that can be asked.
    func currentResults(of ids: [String]) async throws -> [TaskResult?] {
        guard let store, !store.deliversOnce else {
            throw CeleriacError(.configuration, "there is no result store that can be asked for results")
        }
        return try zip(ids, try await store.fetch(ids)).map { id, payload in
            guard let payload else { return nil }
            var result = try dialect.result(from: payload)
            // Some peers leave out whose it is.
            result.taskID = id
            return result
        }
    }

    /// Deletes results that have expired, where the store does not do that by itself.
    func removeExpiredResults() async throws {
        guard let store, let expiry = configuration.resultExpiry else { return }
        try await store.removeResults(olderThan: expiry)
    }

    // MARK: Groups

    func save<Element>(_ group: GroupResult<Element>) async throws {
        try await groupStore().storeGroup(
            group.id, payload: try dialect.payload(ofGroup: group.reference), expiry: configuration.resultExpiry)
    }

    func restoreGroup<Element>(_ id: String, coding: ResultCoding<Element>) async throws -> GroupResult<Element>? {
        guard let payload = try await groupStore().fetchGroup(id) else { return nil }
        return GroupResult(try dialect.group(from: payload), client: self, coding: coding)
    }

    func forgetGroup(_ id: String) async throws { try await groupStore().forgetGroup(id) }

    private func groupStore() throws -> any ResultStore {
        guard let store else {
            throw CeleriacError(.configuration, "there is no result store: give the application one")
        }
        return store
    }

    /// Asks for a result every so often, until it is final or a task before it in its chain has failed.
    func finalResult(
        of reference: ResultReference, every interval: Duration, timeout: Duration?
    ) async throws -> TaskResult {
        let timeIsUp = Gate()
        let timer = timeout.map { timers.schedule(after: $0) { timeIsUp.open() } }
        defer { timer?.cancel() }
        guard store != nil else {
            throw CeleriacError(.configuration, "there is no result store: give the application one")
        }
        let preceding = precedingTasks(of: reference)
        while true {
            if let result = try await currentResult(of: reference.id), result.state.isFinal { return result }
            for id in preceding {
                if let result = try await currentResult(of: id), result.hasFailed { return result }
            }
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
