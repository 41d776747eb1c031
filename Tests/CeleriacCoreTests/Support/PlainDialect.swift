import CeleriacCore
import CeleriacWire
import FoundationEssentials

/// A message of the plain dialect.
final class PlainMessage: NativeMessage {
    let message: WireMessage

    init(_ message: WireMessage = WireMessage()) { self.message = message }
}

/// The least that a task system needs, to test the runtime without one: a body of `{id, name, args, kwargs, …}`.
struct PlainDialect: Dialect {
    /// Whether a message whose task is unknown is parked without a word to its caller.
    var parksUnknownTasks = false
    /// Whether the record of a task with arguments cannot be written.
    var refusesArguments = false

    var name: String { "plain" }
    var valueCoding: any ValueCoding { PlainValueCoding() }

    func request(of message: WireMessage, delivery: Delivery) throws(MessageFault) -> TaskRequest {
        guard let body = try? WireJSON.decode(message.body), let id = body["id"]?.stringValue,
            let name = body["name"]?.stringValue
        else { throw MessageFault(reason: "undecodableBody", detail: "no id or name") }
        var request = TaskRequest(
            id: id, name: name, arguments: body["args"]?.arrayValue ?? [],
            keywordArguments: body["kwargs"]?.objectValue ?? [:], headers: message.headers, queue: delivery.queue,
            redelivered: delivery.redelivered, message: PlainMessage(message))
        request.retries = body["retries"]?.intValue ?? 0
        request.eta = body["eta"]?.doubleValue.map { Date(timeIntervalSince1970: $0) }
        request.expires = body["expires"]?.doubleValue.map { Date(timeIntervalSince1970: $0) }
        request.timeLimits.soft = body["soft"]?.doubleValue.map { .seconds($0) }
        request.timeLimits.hard = body["hard"]?.doubleValue.map { .seconds($0) }
        request.ignoresResult = body["ignores"]?.boolValue
        request.stamps = message.headers["stamps"]?.objectValue ?? [:]
        return request
    }

    /// The id alone. A message with the header `foreign` is one that another worker might run.
    func remains(of message: WireMessage, delivery: Delivery) -> MessageRemains? {
        guard let id = (try? WireJSON.decode(message.body))?["id"]?.stringValue else { return nil }
        return MessageRemains(
            TaskRequest(
                id: id, name: "", arguments: [], keywordArguments: [:], headers: message.headers,
                queue: delivery.queue, redelivered: delivery.redelivered, message: PlainMessage(message)),
            mayRunElsewhere: message.headers["foreign"] != nil)
    }

    /// Single tasks without links.
    func publication(of submission: Submission, in context: PublicationContext) throws(CeleriacError) -> Publication {
        guard case .task(var task) = submission, task.links.isEmpty, task.errorLinks.isEmpty else {
            throw CeleriacError(.unsupported, "there is no canvas here")
        }
        task.options.queue = task.options.queue ?? context.routes[task.name] ?? context.defaultQueue
        return Publication(
            steps: [.publish([try message(for: task, in: context)])], result: ResultReference(id: task.id))
    }

    private func message(
        for submission: TaskSubmission, in context: PublicationContext
    ) throws(CeleriacError) -> OutgoingMessage {
        var body: WireObject = [
            "id": .string(submission.id), "name": .string(submission.name), "args": .array(submission.arguments),
            "kwargs": .object(submission.keywordArguments),
        ]
        let eta =
            submission.options.eta
            ?? submission.options.countdown.map {
                context.now.addingTimeInterval(Double($0.components.seconds))
            }
        if let eta { body["eta"] = .double(eta.timeIntervalSince1970) }
        if let expires = submission.options.expires { body["expires"] = .double(expires.timeIntervalSince1970) }
        var headers = submission.options.headers
        let queue = submission.options.queue ?? "q"
        add(&headers, of: submission.name, to: queue, in: context)
        return OutgoingMessage(message: WireMessage(headers: headers, body: try bytes(body)), routingKey: queue)
    }

    private func add(_ headers: inout WireObject, of task: String, to queue: String, in context: PublicationContext) {
        guard let outbound = context.outbound else { return }
        let more = outbound.headers(of: task, to: queue, now: context.now, span: SpanForm("send \(task)"))
        headers.merge(more) { $1 }
    }

    private func bytes(_ object: WireObject) throws(CeleriacError) -> [UInt8] {
        do { return try WireJSON.encode(.object(object)) } catch { throw CeleriacError(.unsupported, "\(error)") }
    }

    func effects(of outcome: Outcome, for request: TaskRequest, in context: EffectContext) throws(CeleriacError)
        -> [Effect]
    {
        func store(_ state: TaskState, _ value: WireValue) throws(CeleriacError) -> [Effect] {
            context.storesResult ? [.store(try record(state, value, request))] : []
        }
        /// The part of the chord that the header `group` names.
        func part(_ state: TaskState) -> [Effect] {
            guard let group = request.headers["group"]?.stringValue else { return [] }
            return [
                .chord(
                    .add(
                        ChordPart(
                            groupID: group, taskID: request.id, index: 0, payload: Array(state.rawValue.utf8),
                            expiry: nil)))
            ]
        }
        switch outcome {
        case .success(let value): return try store(.success, value) + part(.success) + [.settle(.acknowledge)]
        case .failure(let failure):
            // The error callback that the header `errback` names.
            let calls = request.headers["errback"]?.stringValue.map { name in
                ErrorCall(name: name, failedID: request.id, arguments: [], keywordArguments: [:], failure: failure)
            }
            return try store(.failure, .array([.string(failure.type)] + failure.arguments)) + part(.failure)
                + (calls.map { [.call($0)] } ?? []) + [.settle(.acknowledge)]
        case .retry(let eta, _, _, _):
            guard let message = (request.message as? PlainMessage)?.message,
                var body = try? WireJSON.decode(message.body).objectValue
            else { throw CeleriacError(.unsupported, "no message") }
            body["retries"] = .int(Int64(request.retries + 1))
            body["eta"] = .double(eta.timeIntervalSince1970)
            var headers = message.headers
            add(&headers, of: request.name, to: request.queue, in: context.publication)
            let again = OutgoingMessage(
                message: WireMessage(headers: headers, body: try bytes(body)), routingKey: request.queue)
            return try [.publish([again])] + store(.retry, .null) + [.settle(.acknowledge)]
        case .expired: return try store(.revoked, "expired") + [.settle(.acknowledge)]
        case .revoked(let revocation):
            return try store(.revoked, .string("\(revocation)")) + [.settle(.acknowledge)]
        case .timedOut(let limit):
            return try store(.failure, .array(["TimeLimitExceeded", .double(limit)])) + [.settle(.acknowledge)]
        case .unregistered where request.name == "elsewhere":
            return [.pause(.seconds(1 + context.timesGivenBack)), .giveBack()]
        case .unregistered:
            return try (parksUnknownTasks ? [] : store(.failure, ["NotRegistered"]))
                + [.settle(.park(MessageFault(reason: "unregistered", detail: request.name)))]
        case .replaced: throw CeleriacError(.unsupported, "nothing is replaced here")
        case .ignored: return [.settle(.acknowledge)]
        case .cancelled: return try store(.retry, .null) + [.settle(.requeue)]
        case .rejected(let requeue): return [.settle(requeue ? .requeue : .reject)]
        }
    }

    /// A completed chord's body is a message to a queue named after the chord.
    func effects(
        of completion: ChordCompletion, of part: ChordPart, for request: TaskRequest, in context: EffectContext
    ) -> [Effect] {
        [
            .publish([OutgoingMessage(message: WireMessage(), routingKey: "body of \(part.groupID)")]),
            .chord(.close(completion.claim, succeeded: true)),
        ]
    }

    /// The failure of a chord's body, which is named after the chord.
    func effects(
        ofUncounted part: ChordPart, _ failure: TaskFailure, for request: TaskRequest, in context: EffectContext
    ) -> [Effect] {
        [.store(ResultRecord(taskID: "body of \(part.groupID)", state: .failure, payload: []))]
    }

    /// Names that tests can tell apart.
    func failure(for fault: TaskFault) -> TaskFailure {
        switch fault {
        case .thrown(let error, _, _): TaskFailure(error)
        case .softTimeLimit: TaskFailure(type: "SoftTimeLimitExceeded", arguments: [])
        case .retriesExhausted(_, _, let retries): TaskFailure("MaxRetriesExceeded", "\(retries)")
        case .retryWithoutCause(let delay): TaskFailure("Retry", "\(delay.seconds)")
        case .notRegistered(let name): TaskFailure("NotRegistered", name)
        case .badCall(let text): TaskFailure("TypeError", text)
        case .notEncodable(let error): TaskFailure("EncodeError", "\(error.code)")
        case .attemptsExhausted(let attempts): TaskFailure("WorkerLost", "\(attempts)")
        case .interrupted: TaskFailure("WorkerLost", "interrupted")
        case .unrunnable(let fault): TaskFailure("Unrunnable", "\(fault.reason)")
        case .followUpRefused(let error): TaskFailure("OperationalError", "\(error)")
        }
    }

    var retryPolicy: RetryPolicy { RetryPolicy(maximumRetries: 3, delay: .fixed(.seconds(180))) }

    func record(ofState state: TaskState, meta: WireValue?, for request: TaskRequest, in context: EffectContext)
        throws(CeleriacError) -> ResultRecord?
    {
        try record(state, meta ?? .null, request)
    }

    func record(ofRevokedTask id: String, stored: TaskResult?, in context: EffectContext) throws(CeleriacError)
        -> ResultRecord?
    {
        stored == nil ? try record(.revoked, "revoked", id: id) : nil
    }

    private func record(_ state: TaskState, _ value: WireValue, _ request: TaskRequest) throws(CeleriacError)
        -> ResultRecord
    {
        if refusesArguments, !request.arguments.isEmpty { throw CeleriacError(.unsupported, "too deep") }
        return try record(state, value, id: request.id)
    }

    private func record(_ state: TaskState, _ value: WireValue, id: String) throws(CeleriacError) -> ResultRecord {
        ResultRecord(
            taskID: id, state: state,
            payload: try bytes(["id": .string(id), "state": .string(state.rawValue), "value": value]))
    }

    func result(from bytes: [UInt8]) throws(CeleriacError) -> TaskResult {
        guard let body = try? WireJSON.decode(bytes), let id = body["id"]?.stringValue,
            let state = body["state"]?.stringValue, let value = body["value"]
        else { throw CeleriacError(.resultStore, "unreadable") }
        guard state == "FAILURE" || state == "REVOKED" else {
            return TaskResult(taskID: id, state: TaskState(rawValue: state), value: value)
        }
        let parts = value.arrayValue ?? [value]
        return TaskResult(
            taskID: id, state: TaskState(rawValue: state),
            error: RemoteTaskError(
                taskID: id, state: TaskState(rawValue: state), type: parts.first?.stringValue ?? "", module: nil,
                arguments: Array(parts.dropFirst())))
    }
}
