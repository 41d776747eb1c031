import CeleriacWire
package import Logging

/// Sends tasks and reads their results.
///
/// Connections are made on first use and kept; ``close()`` ends them.
public final class TaskClient: TaskSender {
    /// The client itself.
    public var client: TaskClient { self }

    /// What the client does where a call does not say.
    package let configuration: ClientConfiguration
    let dialect: any Dialect
    let store: (any ResultStore)?
    let timers: any TimerSource
    let hub: ResultHub
    let decoder: WireDecoder
    private let broker: any MessageBroker
    private let interpreter: EffectInterpreter
    private let encoder: WireEncoder

    /// Makes a client of its parts.
    ///
    /// - Parameter store: where results are kept; nil if none are ever read.
    package init(
        dialect: any Dialect,
        broker: any MessageBroker,
        store: (any ResultStore)?,
        configuration: ClientConfiguration,
        timers: any TimerSource,
        logger: Logger
    ) {
        self.dialect = dialect
        self.broker = broker
        self.store = store
        self.interpreter = EffectInterpreter(broker: broker, store: store)
        self.configuration = configuration
        self.timers = timers
        self.hub = ResultHub(dialect: dialect, logger: logger)
        self.encoder = WireEncoder(coding: dialect.valueCoding)
        self.decoder = WireDecoder(coding: dialect.valueCoding)
    }

    /// Closes the connections. Waiting callers get an error.
    package func close() async {
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
    /// - Returns: the results to come, each with the ticket that keeps it from being missed; nil where nothing is sent.
    func submit(
        _ submissions: [Submission], parent: TaskRequest? = nil, unconfirmed limit: Int = .max
    ) async throws -> [(reference: ResultReference, ticket: ResultTicket?)?] {
        let context = publicationContext(parent: parent)
        let publications = try submissions.map { try dialect.publication(of: $0, in: context) }
        // A store that answers on a queue must have that queue before the first answer can come.
        if let store, store.deliversOnce, parent == nil { try await store.watch([], sink: hub) }
        // The tickets are taken before anything is sent: an answer may come before the broker has confirmed the question.
        let results = publications.map { publication in
            publication.result.map { ($0, ticket(for: $0)) }
        }
        try await interpreter.carryOut(publications.flatMap(\.steps), unconfirmed: limit)
        return results
    }

    func addToChord(_ submission: Submission, of request: TaskRequest) async throws {
        let publication = try dialect.addition(
            of: submission, toChordOf: request, in: publicationContext(parent: request))
        try await interpreter.carryOut(publication.steps)
    }

    /// How this client publishes.
    func publicationContext(parent: TaskRequest? = nil) -> PublicationContext {
        PublicationContext(
            now: timers.now, replyTo: store?.replyTo ?? "", parent: parent, defaultQueue: configuration.defaultQueue,
            routes: configuration.routes, countsChords: store?.countsChords ?? false,
            keepsResults: store.map { !$0.deliversOnce } ?? false, resultExpiry: configuration.resultExpiry)
    }

    /// Encodes a signature. Options of the call win over those of the signature, and these over the client's defaults.
    ///
    /// - Throws: ``CeleriacError`` with code `argumentMismatch` when an argument cannot be encoded.
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

    /// Sends a task, or a form that only a dialect knows.
    ///
    /// - Parameter limit: how many of its messages are published before the broker has confirmed those before them.
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

    func ticket(for reference: ResultReference) -> ResultTicket? {
        store?.deliversOnce == true ? hub.hold(reference.taskIDs) : nil
    }
}

/// What a client does where a signature or a call does not say.
package struct ClientConfiguration: Sendable {
    /// The queue of tasks that name none.
    package var defaultQueue: String
    /// Options of every task; those of its signature and of the call win over them.
    package var defaultOptions: SendOptions
    /// Queues by task name; a task that is not in it goes to ``defaultQueue``.
    package var routes: [String: String]
    /// How long unfinished chords, and the states that tasks have before they are sent, are kept; nil for ever.
    package var resultExpiry: Duration?

    package init(
        defaultQueue: String, defaultOptions: SendOptions = SendOptions(), routes: [String: String] = [:],
        resultExpiry: Duration? = .seconds(86400)
    ) {
        self.defaultQueue = defaultQueue
        self.defaultOptions = defaultOptions
        self.routes = routes
        self.resultExpiry = resultExpiry
    }
}
