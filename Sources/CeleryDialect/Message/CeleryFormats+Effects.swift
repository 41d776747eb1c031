public import CeleriacCore
public import CeleriacWire
import CeleryWire

import struct FoundationEssentials.Date

extension CeleryFormats {
    /// What follows from an outcome, in Celery's order: publications, the stored state, the part of a chord, what fails
    /// with it, the settlement.
    public func effects(of outcome: Outcome, for request: TaskRequest, in context: EffectContext)
        throws(CeleriacError) -> [Effect]
    {
        var effects: [Effect] = []
        for step in context.ownSteps { effects += try self.effects(ofOwn: step, request, context) }
        return try effects + self.effects(following: outcome, request, context)
    }

    private func effects(
        following outcome: Outcome, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        switch outcome {
        case .success(let value):
            return try success(value, request, context) + [.settle(.acknowledge)]
        case .failure(let failure):
            return try failed(failure, request, context)
                + [.settle(context.taskOptions.acknowledgesOnFailure != false ? .acknowledge : .reject)]
        case .retry(let eta, let cause, let arguments, let keywordArguments):
            let again = try retryMessage(
                request, eta: eta, now: context.now, arguments: arguments, keywordArguments: keywordArguments)
            return try [.publish([again])] + stored(cause, as: .retry, request, context) + [.settle(.acknowledge)]
        case .expired:
            let error = TaskFailure("TaskRevokedError", module: "celery.exceptions", "expired")
            return try stored(error, as: .revoked, request, context)
                + part(of: request, .revoked, CeleryRemoteException(error).encode(), context) + [.settle(.acknowledge)]
        case .revoked(let revocation):
            let error = TaskFailure(
                "TaskRevokedError", module: "celery.exceptions", revocation == .revoked ? "revoked" : "terminated")
            return try stored(error, as: .revoked, request, context)
                + part(of: request, .revoked, CeleryRemoteException(error).encode(), context) + [.settle(.acknowledge)]
        case .timedOut(let limit):
            let error = TaskFailure(
                type: "TimeLimitExceeded", module: "billiard.exceptions",
                arguments: [Int64(exactly: limit).map { .int($0) } ?? .double(limit)])
            return try failed(error, request, context)
                + [.settle(context.taskOptions.acknowledgesOnTimeout != false ? .acknowledge : .requeue)]
        case .unregistered:
            let error = TaskFailure("NotRegistered", module: "celery.exceptions", request.name)
            let fault = MessageFault(
                reason: "unregistered", detail: "no handler is registered for \(request.name) at this worker")
            return try failed(error, request, context) + [.settle(.park(fault))]
        case .replaced(let submission):
            return try replaced(by: submission, request, context) + [.settle(.acknowledge)]
        case .ignored:
            return [.settle(.acknowledge)]
        case .rejected(let requeue):
            if requeue { return [.settle(.requeue)] }
            let error = TaskFailure(
                type: "Reject", module: "celery.exceptions", arguments: [.null, .bool(false)])
            return try stored(error, as: .failure, request, context) + [.settle(.reject)]
        }
    }

    /// The record of a state on the way.
    public func record(
        ofState state: TaskState, meta: WireValue, for request: TaskRequest, in context: EffectContext
    ) throws(CeleriacError) -> ResultRecord? {
        try record(state, meta, traceback: nil, request, context)
    }

    // MARK: Success

    /// Callbacks and the next link of the chain are published, then the result is stored, then the chord gets its part. If
    /// they cannot be, the task has failed.
    private func success(
        _ value: WireValue, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        let embed = (request.message as? CeleryTaskMessage)?.embed ?? CeleryEmbed()
        var publication = context.publication
        publication.parent = request
        var canvas = canvas(publication)
        var children = context.children.map { CeleryResultTuple($0) }
        do {
            children += try applyCallbacks(embed.callbacks?.arrayValue ?? [], value, &canvas)
            var chain = embed.chain?.arrayValue ?? []
            if let next = chain.popLast(),
                let result = try canvas.apply(
                    CelerySignature.decode(next), args: [value], options: ["chain": .array(chain)])
            {
                children.append(result)
            }
        } catch {
            let failure = TaskFailure(
                "ValueError", "what follows \(request.name) cannot be applied: \(error.message)")
            return try failed(failure, request, context)
        }
        var context = context
        context.children = children.map { ResultReference($0) }
        return try effects(of: canvas.steps, in: publication)
            + stored(.success, value, request, context)
            + part(of: request, .success, value, context)
    }

    /// One callback is applied as it is; of several the tasks become a new group.
    private func applyCallbacks(
        _ callbacks: [WireValue], _ value: WireValue, _ canvas: inout CeleryCanvas
    ) throws(CeleryWireError) -> [CeleryResultTuple] {
        var signatures: [CelerySignature] = []
        for callback in callbacks { signatures.append(try CelerySignature.decode(callback)) }
        var results: [CeleryResultTuple] = []
        var tasks = signatures
        if signatures.count > 1 {
            for group in signatures where group.kind == .group {
                if let result = try canvas.apply(group, args: [value]) { results.append(result) }
            }
            let others = signatures.filter { $0.kind != .group }
            tasks = others.isEmpty ? [] : [.group(others)]
        }
        for task in tasks { if let result = try canvas.apply(task, args: [value]) { results.append(result) } }
        return results
    }

    // MARK: Failure

    /// The failure is stored, the chord gets its part, what is left of the chain fails too, and error callbacks are called.
    private func failed(
        _ failure: TaskFailure, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        let embed = (request.message as? CeleryTaskMessage)?.embed ?? CeleryEmbed()
        var failure = failure
        let callbacks = errorCallbacks(
            embed.errbacks?.arrayValue ?? [], of: &failure, failedID: request.id, request: request, context)
        var effects = try stored(failure, as: .failure, request, context)
        effects += try part(of: request, .failure, CeleryRemoteException(failure).encode(), context)
        effects += try failChain(embed.chain, failure, request, context, storing: context.storesResult)
        return effects + callbacks.effects
    }

    /// What calls error callbacks. Where they cannot be sent, for they are no signatures all through, the failure says so
    /// in its traceback.
    func errorCallbacks(
        _ errbacks: [WireValue], of failure: inout TaskFailure, failedID: String, request: TaskRequest,
        _ context: EffectContext
    ) -> (effects: [Effect], sent: CeleryResultTuple?) {
        do {
            return try errorCallbacks(errbacks, failure, failedID: failedID, request: request, context)
        } catch {
            let text = "The error callbacks could not be sent: \(error)"
            failure.traceback = failure.traceback.map { $0 + "\n" + text } ?? text
            return ([], nil)
        }
    }

    /// Every step of a chain that comes after a failed one gets the same failure; one that belongs to a chord gives it its
    /// part, and the body of one that is a chord fails too.
    ///
    /// - Parameter storing: whether the failures are stored: not for the chain of a task whose result nobody wants.
    func failChain(
        _ chain: WireValue?, _ failure: TaskFailure, _ request: TaskRequest, _ context: EffectContext, storing: Bool
    ) throws(CeleriacError) -> [Effect] {
        var effects: [Effect] = []
        var pending = Array((chain?.arrayValue ?? []).reversed())
        while let step = pending.popLast() {
            guard let signature = try? CelerySignature.decode(step) else { continue }
            if let id = signature.id, storing {
                effects += try stored(failure, of: signature, id: id, request, context)
            }
            if let id = signature.id, let groupID = signature.options["group_id"]?.stringValue,
                let body = signature.options["chord"], !body.isNull
            {
                effects += try part(
                    groupID: groupID, taskID: id, index: signature.options["group_index"]?.intValue, body: body,
                    .failure, CeleryRemoteException(failure).encode(), request, context)
            }
            if signature.kind == .chord, let body = try? signature.body() { pending.insert(body.encode(), at: 0) }
        }
        return effects
    }

    /// Error callbacks that this worker knows are called here; the others are sent as a group with the id of what failed.
    func errorCallbacks(
        _ errbacks: [WireValue], _ failure: TaskFailure, failedID: String, request: TaskRequest,
        _ context: EffectContext
    ) throws(CeleriacError) -> (effects: [Effect], sent: CeleryResultTuple?) {
        var effects: [Effect] = []
        var sent: [CelerySignature] = []
        for errback in errbacks {
            guard let signature = try? CelerySignature.decode(errback) else { continue }
            if signature.kind == .task, context.errorHandlers.contains(signature.task) {
                effects.append(
                    .call(
                        ErrorCall(
                            name: signature.task, failedID: failedID, arguments: signature.args,
                            keywordArguments: signature.kwargs, failure: failure)))
            } else {
                sent.append(signature)
            }
        }
        guard !sent.isEmpty else { return (effects, nil) }
        var publication = context.publication
        publication.parent = request
        var canvas = canvas(publication)
        let group: CeleryResultTuple?
        do {
            group = try canvas.apply(
                .group(sent), args: [.string(failedID)],
                options: ["parent_id": .string(failedID), "root_id": .string(request.rootID ?? failedID)])
        } catch {
            throw CeleriacError(.unsupported, "the error callbacks cannot be sent", cause: error)
        }
        return (effects + (try self.effects(of: canvas.steps, in: publication)), group)
    }

    // MARK: Storing

    func stored(
        _ state: TaskState, _ value: WireValue, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        guard context.storesResult else { return [] }
        return [.store(try record(state, value, traceback: nil, request, context))]
    }

    func stored(
        _ failure: TaskFailure, as state: TaskState, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        guard context.storesResult || context.taskOptions.storesErrorsEvenIfIgnored == true else { return [] }
        return [
            .store(
                try record(
                    state, CeleryRemoteException(failure).encode(), traceback: failure.traceback, request, context))
        ]
    }

    /// The failure of a step of a chain that never ran.
    private func stored(
        _ failure: TaskFailure, of step: CelerySignature, id: String, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        var meta = meta(.failure, CeleryRemoteException(failure).encode(), failure.traceback, id: id, context)
        meta.groupID = step.options["group_id"]?.stringValue
        if extendsResults {
            meta.extended = CeleryExtendedResult(
                name: step.task, args: .array(step.args), kwargs: .object(step.kwargs), worker: nil, retries: 0,
                queue: nil)
        }
        return [.store(try record(meta, .failure, replyTo: request.replyTo, correlationID: id, request, context))]
    }

    /// The failure of a chord's body that never ran. Celery knows nothing of it but its id, and takes what the header's
    /// task has sent for what the body has.
    func stored(
        _ failure: TaskFailure, ofBody id: String, children: [CeleryResultTuple], _ request: TaskRequest,
        _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        var meta = meta(.failure, CeleryRemoteException(failure).encode(), failure.traceback, id: id, context)
        meta.children = .array(children.map { $0.encode() })
        return [.store(try record(meta, .failure, replyTo: request.replyTo, correlationID: id, request, context))]
    }

    func record(
        _ state: TaskState, _ result: WireValue, traceback: String?, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> ResultRecord {
        var meta = meta(state, result, traceback, id: request.id, context)
        meta.children = .array(context.children.map { CeleryResultTuple($0).encode() })
        meta.groupID = request.groupID
        meta.parentID = request.parentID
        if extendsResults {
            meta.extended = CeleryExtendedResult(
                name: request.name, args: .array(request.arguments), kwargs: .object(request.keywordArguments),
                worker: context.nodeName, retries: request.retries, queue: request.queue)
            if let task = request.message as? CeleryTaskMessage, let names = task.stampedHeaders {
                meta.other["stamped_headers"] = .array(names.map { .string($0) })
                for name in names { meta.other[name] = task.stamps[name] }
            }
        }
        return try record(
            meta, state, replyTo: request.replyTo, correlationID: request.correlationID, request, context)
    }

    private func meta(
        _ state: TaskState, _ result: WireValue, _ traceback: String?, id: String, _ context: EffectContext
    ) -> CeleryResultMeta {
        var meta = CeleryResultMeta(status: state.rawValue, result: result, taskID: id)
        meta.traceback = traceback
        meta.children = []
        meta.dateDone = state.isFinal ? CeleryTime.text(context.now) : nil
        return meta
    }

    func record(
        _ meta: CeleryResultMeta, _ state: TaskState, replyTo: String?, correlationID: String?, _ request: TaskRequest,
        _ context: EffectContext
    ) throws(CeleriacError) -> ResultRecord {
        do {
            return ResultRecord(
                taskID: meta.taskID, state: state, payload: try meta.encode(), replyTo: replyTo ?? "",
                correlationID: correlationID, expiry: context.resultExpiry)
        } catch {
            throw CeleriacError(.unsupported, "the result of \(request.name) cannot be encoded", cause: error)
        }
    }

    // MARK: Sending again

    /// The same message once more, one retry on, to be run at `eta`; all else is kept.
    private func retryMessage(
        _ request: TaskRequest, eta: Date, now: Date, arguments: [WireValue]?, keywordArguments: WireObject?
    ) throws(CeleriacError) -> OutgoingMessage {
        guard var task = request.message as? CeleryTaskMessage else {
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
        // A broker's own account of the message: one that goes round with it may be dropped as caught in a cycle.
        task.otherHeaders = task.otherHeaders.filter { !Self.isBrokerHeader($0.key) }
        // The broker refuses the name of a user other than the one that publishes.
        task.properties.userID = nil
        task.properties.expiration = request.expires.map { CeleryTime.expiration(expires: $0, now: now) }
        return OutgoingMessage(
            message: try encode(task), routingKey: request.queue, declaredQueue: request.queue)
    }

    private static func isBrokerHeader(_ name: String) -> Bool {
        // By CC and BCC the broker has sent copies; it would send them again.
        ["x-death", "x-delivery-count", "CC", "BCC"].contains(name) || name.hasPrefix("x-first-death-")
            || name.hasPrefix("x-last-death-")
    }

    /// What takes the place of a task takes over its id, its place, what is linked to it and what comes after it.
    private func replaced(
        by submission: Submission, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        guard let task = request.message as? CeleryTaskMessage else {
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
        return try effects(of: canvas.steps, in: publication)
    }

    /// A group that takes a task's place becomes a chord, so that its results are one.
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
        for errback in task.embed.errbacks?.arrayValue ?? [] { try signature.linkError(errback) }
        return signature
    }
}

extension CeleryRemoteException {
    /// The exception that a failure is on the wire.
    init(_ failure: TaskFailure) {
        self.init(excType: failure.type, excMessage: failure.arguments, excModule: failure.module ?? "builtins")
    }
}
