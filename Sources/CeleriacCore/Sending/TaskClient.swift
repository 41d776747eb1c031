import CeleriacWire
package import Logging
package import Metrics
import NIOConcurrencyHelpers
package import Tracing

/// Sends tasks and reads their results.
///
/// It connects on first use and keeps its connections until its application is closed.
public final class TaskClient: TaskSender {
    /// The client itself.
    public var client: TaskClient { self }

    /// What the client does if a call does not say.
    package let configuration: ClientConfiguration
    /// The formats of messages and results.
    package let dialect: any Dialect
    package let store: (any ResultStore)?
    package let timers: any TimerSource
    let hub: ResultHub
    let decoder: WireDecoder
    package let broker: any MessageBroker
    private let revoker: (any TaskRevoker)?
    let interpreter: EffectInterpreter
    let logger: Logger
    private let encoder: WireEncoder
    /// What the client tells of what it sends; nil if nobody listens.
    let telemetry: SendTelemetry?

    /// Makes a client from its parts. The client closes the broker and the store.
    ///
    /// - Parameters:
    ///   - dialect: the formats of messages and results.
    ///   - broker: where the client publishes.
    ///   - store: where results are kept; nil for a client that never reads any.
    ///   - configuration: what the client does if a call does not say.
    ///   - timers: where the client takes the time and its timers from.
    ///   - logger: the client's logger.
    ///   - revoker: tells workers to drop tasks; nil where the dialect has no way to do that.
    package init(
        dialect: any Dialect,
        broker: any MessageBroker,
        store: (any ResultStore)?,
        configuration: ClientConfiguration,
        timers: any TimerSource,
        logger: Logger,
        revoker: (any TaskRevoker)? = nil
    ) {
        self.dialect = dialect
        self.broker = broker
        self.store = store
        self.revoker = revoker
        self.interpreter = EffectInterpreter(broker: broker, store: store)
        self.configuration = configuration
        self.logger = logger
        self.timers = timers
        self.hub = ResultHub(dialect: dialect, logger: logger)
        self.encoder = WireEncoder(coding: dialect.valueCoding)
        self.telemetry = SendTelemetry(
            tracer: configuration.tracer, metrics: configuration.metrics, stampsTimes: configuration.stampsSendTimes)
        self.decoder = WireDecoder(coding: dialect.valueCoding)
        (store as? EagerResults)?.attach(hub)
    }

    /// Closes the broker and the store. Callers that wait for results get an error. A server that does not answer is
    /// waited for no longer than four seconds.
    package func close() async {
        hub.close()
        let isOver = Gate()
        let timer = timers.schedule(after: .seconds(4)) { isOver.open() }
        _ = try? await isOver.wait { [broker, store] in
            await broker.close()
            await store?.close()
        }
        timer.cancel()
    }

    // MARK: Sending

    /// Sends submissions together, and returns once the broker has taken all of their messages.
    ///
    /// - Parameters:
    ///   - submissions: what to send.
    ///   - parent: the task that sends it; nil if the sender is not a task.
    ///   - limit: how many messages to publish before the broker has confirmed those before them.
    /// - Returns: for each submission the reference to its result, with the ticket that keeps the result until it is
    ///   read; nil for a submission that sends nothing.
    /// - Throws: ``CeleriacError`` with code `unsupported` or `argumentMismatch` when nothing was sent; otherwise the
    ///   error of the broker or the store.
    func submit(
        _ submissions: [Submission], parent: TaskRequest? = nil, unconfirmed limit: Int = .max
    ) async throws -> [(reference: ResultReference, ticket: ResultTicket?)?] {
        if configuration.middleware.isEmpty {
            return try await publish(submissions, parent: parent, unconfirmed: limit)
        }
        let results = NIOLockedValueBox<[(reference: ResultReference, ticket: ResultTicket?)?]?>(nil)
        try await throughMiddleware(submissions, parent: parent) { submissions in
            let sent = try await self.publish(submissions, parent: parent, unconfirmed: limit)
            results.withLockedValue { $0 = sent }
        }
        guard let sent = results.withLockedValue({ $0 }) else { throw Self.keptBack }
        return sent
    }

    /// Has every middleware see what is about to be sent, and change it.
    ///
    /// - Parameters:
    ///   - submissions: what is to be sent.
    ///   - parent: the task that sends it; nil if the sender is not a task.
    ///   - send: sends what it has become.
    /// - Throws: the error of a middleware or of `send`.
    private func throughMiddleware(
        _ submissions: [Submission], parent: TaskRequest?,
        _ send: @escaping @Sendable ([Submission]) async throws -> Void
    ) async throws {
        let tasks = submissions.flatMap { $0.sentTasks(parent: parent) }
        let (ids, names) = (tasks.map(\.id), tasks.map(\.name))
        try await configuration.middleware[...].send(tasks) { tasks in
            guard tasks.map(\.id) == ids, tasks.map(\.name) == names else {
                throw CeleriacError(
                    .configuration, "a middleware has to pass on the tasks that it was given, in their order")
            }
            var rest = tasks[...]
            try await send(submissions.taking(&rest))
        }
    }

    private static var keptBack: CeleriacError {
        CeleriacError(.configuration, "a middleware has sent nothing: it has to call `next`, or to throw")
    }

    /// Makes the messages of submissions and publishes them.
    private func publish(
        _ submissions: [Submission], parent: TaskRequest?, unconfirmed limit: Int
    ) async throws -> [(reference: ResultReference, ticket: ResultTicket?)?] {
        var context = publicationContext(parent: parent)
        context.outbound = telemetry?.sending()
        do {
            let results = try await publish(submissions, in: context, unconfirmed: limit)
            context.outbound?.end()
            return results
        } catch {
            context.outbound?.end(error)
            throw error
        }
    }

    private func publish(
        _ submissions: [Submission], in context: PublicationContext, unconfirmed limit: Int
    ) async throws -> [(reference: ResultReference, ticket: ResultTicket?)?] {
        let publications = try submissions.map { try dialect.publication(of: $0, in: context) }
        // A store that answers on a queue must have that queue before the first answer can come.
        if let store, store.deliversOnce, context.parent == nil { try await store.watch([], sink: hub) }
        // Take the tickets before sending: a result may arrive before the broker has confirmed the message.
        let results = publications.map { publication in
            publication.result.map { ($0, ticket(for: $0)) }
        }
        try await carryOut(
            publications.flatMap(\.steps), unconfirmed: limit,
            retries: submissions.lazy.compactMap(\.publishRetries).first)
        return results
    }

    /// Carries out the steps of publications, and publishes again while the broker is out of reach.
    ///
    /// - Parameters:
    ///   - steps: the steps, in order.
    ///   - limit: how many messages to publish before the broker has confirmed those before them.
    ///   - retries: how often to publish again at most; nil for what the configuration says.
    /// - Throws: the error of the broker or the store; later steps are not carried out then.
    private func carryOut(
        _ steps: [Publication.Step], unconfirmed limit: Int = .max, retries: Int? = nil
    ) async throws {
        var policy = configuration.publishRetry
        if let retries { policy.maximumRetries = max(0, retries) }
        try await interpreter.carryOut(steps, unconfirmed: limit) { [policy, interpreter, timers, logger] messages in
            try await policy.run(timers: timers, logger: logger) { try await interpreter.publish(messages) }
        }
    }

    func addToChord(_ submission: Submission, of request: TaskRequest) async throws {
        if configuration.middleware.isEmpty { return try await publish(submission, toChordOf: request) }
        try await throughMiddleware([submission], parent: request) { submissions in
            for submission in submissions { try await self.publish(submission, toChordOf: request) }
        }
    }

    private func publish(_ submission: Submission, toChordOf request: TaskRequest) async throws {
        var context = publicationContext(parent: request)
        context.outbound = telemetry?.sending()
        do {
            let publication = try dialect.addition(of: submission, toChordOf: request, in: context)
            try await carryOut(publication.steps, retries: submission.publishRetries)
            context.outbound?.end()
        } catch {
            context.outbound?.end(error)
            throw error
        }
    }

    /// What a dialect may know of this client when it makes a publication.
    package func publicationContext(parent: TaskRequest? = nil) -> PublicationContext {
        PublicationContext(
            now: timers.now, replyTo: store?.replyTo ?? "", parent: parent, defaultQueue: configuration.defaultQueue,
            routes: configuration.routes, countsChords: store?.countsChords ?? false,
            keepsResults: store.map { !$0.deliversOnce } ?? false, resultExpiry: configuration.resultExpiry)
    }

    /// Encodes a signature. Options of the call override those of the signature, which override the client's defaults.
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

    /// Sends a signature, which may be in a dialect's own form, and returns once the broker has taken it.
    ///
    /// - Parameters:
    ///   - signature: what to send.
    ///   - options: options of the call, which override those of the signature.
    ///   - limit: how many of its messages to publish before the broker has confirmed those before them.
    /// - Returns: a handle on the result.
    /// - Throws: ``CeleriacError`` with code `argumentMismatch` or `unsupported` when nothing was sent, `publishFailed`
    ///   when the broker did not confirm a message; ``PartialPublishError`` when it is known to have taken only some.
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

    /// Tells all workers to drop tasks.
    package func revoke(_ ids: [String], terminate: Bool, signal: String?) async throws {
        guard let revoker else {
            throw CeleriacError(.unsupported, "\(dialect.name) has no way to revoke tasks that were sent")
        }
        try await revoker.revoke(ids, terminate: terminate, signal: signal)
    }

    func result<Value>(_ reference: ResultReference, coding: ResultCoding<Value>) -> AsyncResult<Value> {
        AsyncResult(reference: reference, client: self, coding: coding, ticket: ticket(for: reference))
    }

    func ticket(for reference: ResultReference) -> ResultTicket? {
        store?.deliversOnce == true ? hub.hold(reference.taskIDs) : nil
    }
}

/// What a client does if a signature or a call does not say.
package struct ClientConfiguration: Sendable {
    /// The queue for tasks that name no queue.
    package var defaultQueue: String
    /// Options for every task. Those of its signature and of the call take precedence.
    package var defaultOptions: SendOptions
    /// Queues by task name. Other tasks go to ``defaultQueue``.
    package var routes: [String: String]
    /// How long the store keeps unfinished chords, and the states of tasks that are stored before they are sent; nil
    /// for ever.
    package var resultExpiry: Duration?
    /// How it publishes again while the broker is out of reach.
    package var publishRetry: PublishRetry
    /// Code around each send, the first outermost.
    package var middleware: [any TaskMiddleware] = []
    /// Whether messages say when they were sent.
    package var stampsSendTimes = false
    /// What makes spans; nil for what the process has when the client is made.
    package var tracer: (any Tracer)?
    /// Where sent tasks are counted; nil for the metrics system that the process has when the client is made.
    package var metrics: (any MetricsFactory)?

    package init(
        defaultQueue: String, defaultOptions: SendOptions = SendOptions(), routes: [String: String] = [:],
        resultExpiry: Duration? = .seconds(86400), publishRetry: PublishRetry = .never
    ) {
        self.defaultQueue = defaultQueue
        self.defaultOptions = defaultOptions
        self.routes = routes
        self.resultExpiry = resultExpiry
        self.publishRetry = publishRetry
    }
}

/// Tells the workers of an application to drop tasks that were sent.
package protocol TaskRevoker: Sendable {
    /// Asks all workers not to run tasks, and returns when the request is published.
    ///
    /// - Parameters:
    ///   - ids: the tasks.
    ///   - terminate: whether to end those that run.
    ///   - signal: the name of the signal that ends a task's process where there is one; nil for the usual one.
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport carries no remote control, or the
    ///   broker's error.
    func revoke(_ ids: [String], terminate: Bool, signal: String?) async throws
}
