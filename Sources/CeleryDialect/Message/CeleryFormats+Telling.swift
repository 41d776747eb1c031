package import CeleriacCore
package import CeleriacWire
import CeleryWire

// What spans and logs show. Names and attributes are those of Python's `opentelemetry-instrumentation-celery`, so that one
// trace reads the same whichever side ran a task.
extension CeleryFormats {
    /// `run/NAME`, with what Python's instrumentation reads from the request.
    package func span(ofRun request: TaskRequest, nodeName: String) -> SpanForm {
        let task = request.celeryMessage
        var attributes: WireObject = [
            "celery.action": "run", "celery.task_name": .string(request.name),
            "messaging.message.id": .string(request.id), "messaging.destination": .string(request.queue),
            // Python's instrumentation shows the sender here where the message names it.
            "celery.hostname": .string(task?.origin ?? nodeName),
        ]
        func add(_ name: String, _ value: String?) {
            if let value, !value.isEmpty { attributes[name] = .string(value) }
        }
        add("messaging.conversation_id", request.correlationID)
        add("celery.reply_to", request.replyTo)
        add("celery.eta", task?.eta)
        add("celery.expires", task?.expires)
        if request.retries > 0 { attributes["celery.retries"] = .int(Int64(request.retries)) }
        return SpanForm("run/\(request.name)", attributes: attributes)
    }

    /// `celery.state`, and the reason of a retry. Only its type: the text may quote arguments.
    package func attributes(of outcome: Outcome) -> WireObject {
        switch outcome {
        case .retry(_, let cause, _, _): ["celery.state": "RETRY", "celery.retry.reason": .string("\(cause)")]
        case .ignored, .replaced: ["celery.state": "IGNORED"]
        case .rejected: ["celery.state": "REJECTED"]
        default: outcome.finalState.map { ["celery.state": .string($0.rawValue)] } ?? [:]
        }
    }

    /// `apply_async/NAME`.
    private func span(ofSending task: CeleryTaskMessage, exchange: String, routingKey: String) -> SpanForm {
        var attributes: WireObject = [
            "celery.action": "apply_async", "celery.task_name": .string(task.task),
            "messaging.message.id": .string(task.id), "messaging.destination_kind": "queue",
            "messaging.destination": .string(routingKey),
        ]
        if !exchange.isEmpty { attributes["celery.exchange"] = .string(exchange) }
        return SpanForm("apply_async/\(task.task)", attributes: attributes)
    }

    /// Adds to a message what goes along with it, to its headers, where Python's instrumentation writes it, too.
    func addOutbound(
        to task: inout CeleryTaskMessage, exchange: String, routingKey: String, queue: String?,
        in context: PublicationContext
    ) {
        guard let outbound = context.outbound else { return }
        let sent = task
        let headers = outbound.headers(
            of: sent.task, to: queue ?? routingKey, now: context.now,
            span: span(ofSending: sent, exchange: exchange, routingKey: routingKey))
        task.otherHeaders.merge(headers) { $1 }
    }

    /// `argsrepr` and `kwargsrepr` of the message, or else what Celery would write there.
    package func texts(ofArgumentsOf request: TaskRequest) -> ArgumentTexts {
        let (task, repr) = (request.celeryMessage, PythonRepr())
        return ArgumentTexts(
            positional: task?.argsrepr ?? repr.text(args: request.arguments),
            keyword: task?.kwargsrepr ?? repr.text(kwargs: request.keywordArguments))
    }

    /// As Celery logs it.
    package func text(ofResult value: WireValue) -> String { PythonRepr().text(of: value) }
}
