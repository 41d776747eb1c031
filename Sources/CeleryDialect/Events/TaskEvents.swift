import CeleriacCore
import CeleriacWire
import CeleryWire

import struct FoundationEssentials.Date

/// Turns what a worker observes about tasks, and what is sent, into Celery's events.
enum TaskEvents {
    /// The events of one observation, in Celery's order: usually one, but none for a task that asked to be ignored.
    static func events(of event: WorkerEvent) -> [(kind: CeleryEvent.Kind, fields: WireObject)] {
        switch event {
        case .received(let request): [(.taskReceived, received(request))]
        case .started(let request): [(.taskStarted, CeleryEventFields.started(id: request.id))]
        case .ended(let request, let outcome, let runtime): ended(request, outcome, runtime)
        }
    }

    /// The fields of `task-sent` for a message that was published; nil if it is no task.
    static func sent(_ outgoing: OutgoingMessage, limits: WireLimits) -> WireObject? {
        let (message, headers) = (outgoing.message, outgoing.message.headers)
        let queue = outgoing.exchange.isEmpty ? outgoing.routingKey : nil
        func text(_ header: String) -> String? { headers[header]?.stringValue }
        // Protocol 2 has everything in its headers.
        if let name = text("task"), let id = text("id") {
            return CeleryEventFields.sent(
                id: id, name: name, args: text("argsrepr") ?? "", kwargs: text("kwargsrepr") ?? "",
                rootID: text("root_id"), parentID: text("parent_id"), retries: headers["retries"]?.intValue ?? 0,
                eta: text("eta"), expires: text("expires"), queue: queue, exchange: outgoing.exchange,
                routingKey: outgoing.routingKey)
        }
        guard let task = try? CeleryTaskMessage.decode(message, accept: [.json, .msgpack, .yaml], limits: limits)
        else { return nil }
        let repr = PythonRepr()
        var fields = CeleryEventFields.sent(
            id: task.id, name: task.task, args: repr.text(args: task.args), kwargs: repr.text(kwargs: task.kwargs),
            rootID: nil, parentID: nil, retries: task.retries, eta: task.eta, expires: task.expires, queue: queue,
            exchange: outgoing.exchange, routingKey: outgoing.routingKey)
        for name in ["root_id", "parent_id"] { fields.removeValue(forKey: name) }
        return fields
    }

    private static func received(_ request: TaskRequest) -> WireObject {
        let message = request.celeryMessage
        let repr = PythonRepr()
        return CeleryEventFields.received(
            id: request.id, name: request.name, args: message?.argsrepr ?? repr.text(args: request.arguments),
            kwargs: message?.kwargsrepr ?? repr.text(kwargs: request.keywordArguments), rootID: request.rootID,
            parentID: request.parentID, retries: request.retries, eta: request.eta.flatMap { CeleryTime.text($0) },
            expires: request.expires.flatMap { CeleryTime.text($0) })
    }

    private static func ended(
        _ request: TaskRequest, _ outcome: Outcome, _ runtime: Duration?
    ) -> [(kind: CeleryEvent.Kind, fields: WireObject)] {
        let id = request.id
        func failed(_ failure: TaskFailure, _ kind: CeleryEvent.Kind = .taskFailed) -> (CeleryEvent.Kind, WireObject) {
            // Monitors expect text if the task has run.
            let traceback = runtime == nil ? failure.traceback : failure.traceback ?? ""
            let exception = PythonExceptionText.text(type: failure.type, arguments: failure.arguments)
            return (kind, CeleryEventFields.failed(id: id, exception: exception, traceback: traceback))
        }
        func revoked(terminated signal: Int32? = nil, expired: Bool = false) -> (CeleryEvent.Kind, WireObject) {
            (
                .taskRevoked,
                CeleryEventFields.revoked(
                    id: id, isTerminated: signal != nil, signal: signal, isExpired: expired)
            )
        }
        switch outcome {
        case .success(let value):
            let result = PythonRepr().text(of: value)
            return [
                (.taskSucceeded, CeleryEventFields.succeeded(id: id, result: result, runtime: runtime?.seconds))
            ]
        case .failure(let failure): return [failed(failure)]
        case .retry(_, let cause, _, _): return [failed(cause, .taskRetried)]
        case .expired: return [revoked(expired: true)]
        case .revoked(.revoked): return [revoked()]
        case .revoked(.terminated(let signal)): return [revoked(terminated: signal)]
        case .timedOut(let limit):
            return [failed(.timedOut(after: limit, request))]
        case .unregistered: return [failed(TaskFailure("NotRegistered", request.name))]
        case .ignored, .replaced: return []
        case .cancelled: return [(.taskCancelled, ["uuid": .string(id)])]
        case .rejected(let requeue):
            let rejected = (CeleryEvent.Kind.taskRejected, CeleryEventFields.rejected(id: id, requeue: requeue))
            if requeue { return [rejected] }
            // Celery 5.7 counts a task that is not put back as failed too.
            return [failed(TaskFailure(type: "Reject", arguments: [.null, .bool(false)])), rejected]
        }
    }
}
