import CeleriacCore
import CeleriacWire
import CeleryWire

import struct FoundationEssentials.Date

// Outcomes after which the task is sent again: retries and replacements.
extension CeleryFormats {
    /// The same message with one retry more, to run at `eta`. Everything else is kept.
    func retryMessage(
        _ request: TaskRequest, eta: Date, arguments: [WireValue]?, keywordArguments: WireObject?,
        in context: EffectContext
    ) throws(CeleriacError) -> OutgoingMessage {
        guard var task = request.celeryMessage else {
            throw CeleriacError(.unsupported, "the request was not read from a Celery message")
        }
        if arguments != nil || keywordArguments != nil {
            task.args = arguments ?? task.args
            task.kwargs = keywordArguments ?? task.kwargs
            task.argsrepr = nil
            task.kwargsrepr = nil
        }
        task.retries = task.retries.nextOrLast
        task.eta = try text(eta)
        task.parentID = task.parentID ?? task.id
        task.ignoreResult = task.ignoreResult ?? false
        // The broker writes these headers about the message. RabbitMQ may take a message that carries them for one
        // caught in a cycle, and drop it.
        task.otherHeaders = task.otherHeaders.filter { !Self.isBrokerHeader($0.key) }
        // RabbitMQ refuses a message whose user id is not that of the publishing connection.
        task.properties.userID = nil
        task.properties.expiration = request.expires.map { CeleryTime.expiration(expires: $0, now: context.now) }
        addOutbound(to: &task, exchange: "", routingKey: request.queue, queue: request.queue, in: context.publication)
        return OutgoingMessage(
            message: try encode(task), routingKey: request.queue, declaredQueue: request.queue,
            notBefore: eta > context.now ? eta : nil)
    }

    private static func isBrokerHeader(_ name: String) -> Bool {
        // RabbitMQ has already sent copies to CC and BCC, and would send them again.
        ["x-death", "x-delivery-count", "CC", "BCC"].contains(name) || name.hasPrefix("x-first-death-")
            || name.hasPrefix("x-last-death-")
    }

    /// Replaces a task. The replacement takes over its id, its place, its callbacks and what comes after it.
    func replaced(
        by submission: Submission, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        guard let task = request.celeryMessage else {
            throw CeleriacError(.unsupported, "the request was not read from a Celery message")
        }
        var publication = context.publication
        publication.parent = request
        var canvas = canvas(publication)
        do {
            var signature = try replacement(try signature(of: submission), of: task)
            signature = try canvas.replacing(task, by: signature)
            try canvas.apply(signature)
        } catch let error as CeleriacError {
            throw error
        } catch {
            let failure = TaskFailure(
                "ImproperlyConfigured", module: "celery.exceptions", (error as? CeleryWireError)?.message ?? "\(error)")
            return try failed(failure, request, context)
        }
        return try steps(of: canvas, in: publication).map(\.effect)
    }

    /// The signature that a replacement is sent as. A group becomes a chord, so that its results become one result.
    private func replacement(
        _ signature: CelerySignature, of task: CeleryTaskMessage
    ) throws(CeleryWireError) -> CelerySignature {
        let collect = CelerySignature(task: "celery.accumulate", kwargs: ["index": 0])
        var signature = signature
        if signature.kind == .group { signature = .chord(signature, body: collect) }
        if signature.kind == .chain {
            var steps = try signature.members()
            guard let last = steps.last else {
                throw CeleryWireError(.invalidTask, "Cannot replace with an empty chain")
            }
            if last.kind == .group {
                steps[steps.count - 1] = .chord(last, body: collect)
                var whole = CelerySignature.chain(steps, options: signature.options)
                whole.immutable = signature.immutable
                signature = whole
            }
        }
        for callback in task.embed.callbacks?.arrayValue ?? [] { try signature.link(callback) }
        for errback in task.embed.errbacks?.arrayValue ?? [] {
            try signature.linkError(errback, alsoInHeaders: linksErrorsInHeaders)
        }
        return signature
    }
}
