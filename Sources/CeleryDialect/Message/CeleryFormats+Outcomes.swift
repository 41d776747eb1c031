package import CeleriacCore
import CeleriacWire
import CeleryWire

extension CeleryFormats {
    /// The effects of an outcome, in Celery's order: publications, the stored state, the part of a chord, further
    /// failures, the settlement.
    package func effects(of outcome: Outcome, for request: TaskRequest, in context: EffectContext)
        throws(CeleriacError) -> [Effect]
    {
        if context.ownSteps.isEmpty { return try effects(following: outcome, request, context) }
        var effects: [Effect] = []
        for step in context.ownSteps { effects += try self.effects(of: step, request, context) }
        return try effects + self.effects(following: outcome, request, context)
    }

    private func effects(
        following outcome: Outcome, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        switch outcome {
        case .success(let value):
            var effects = try success(value, request, context)
            effects.append(.settle(.acknowledge))
            return effects
        case .failure(let failure):
            return try failed(failure, request, context)
                + [.settle(context.taskOptions.acknowledgesOnFailure != false ? .acknowledge : .reject)]
        case .retry(let eta, let cause, let arguments, let keywordArguments):
            let again = try retryMessage(
                request, eta: eta, arguments: arguments, keywordArguments: keywordArguments, in: context)
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
            return try failed(.timedOut(after: limit, request), request, context)
                + [.settle(context.taskOptions.acknowledgesOnTimeout != false ? .acknowledge : .requeue)]
        case .unregistered:
            let error = TaskFailure("NotRegistered", module: "celery.exceptions", request.name)
            return try failed(error, request, context)
                + [.settle(.park(MessageFault(unregistered: request.name)))]
        case .replaced(let replacement):
            return try replaced(by: replacement.submission, request, context) + [.settle(.acknowledge)]
        case .ignored:
            return [.settle(.acknowledge)]
        case .cancelled:
            // Python's exception has itself among its arguments.
            let error = TaskFailure(
                type: "Retry", module: "celery.exceptions", arguments: ["Retry(Retry(...), None, None)", nil, nil])
            return try stored(error, as: .retry, request, context) + [.settle(.requeue)]
        case .rejected(let requeue):
            if requeue { return [.settle(.requeue)] }
            // Celery 5.7 calls `mark_as_failure` before it rejects the message: the task never runs again, so that the
            // chord gets its part, the chain fails and error callbacks are called, as after any failure.
            let error = TaskFailure(
                type: "Reject", module: "celery.exceptions", arguments: [.null, .bool(false)])
            return try failed(error, request, context) + [.settle(.reject)]
        }
    }

    // MARK: Success

    /// Publishes callbacks and the next task of the chain, then stores the result, then gives the chord its part. If
    /// they cannot be published, the task has failed.
    private func success(
        _ value: WireValue, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        let embed = request.celeryForm?.task.embed ?? CeleryEmbed()
        let callbacks = embed.callbacks?.arrayValue ?? []
        var chain = embed.chain?.arrayValue ?? []
        guard !callbacks.isEmpty || !chain.isEmpty else {
            // Most tasks end here: one list that grows costs less than the sums of several.
            var effects: [Effect] = []
            effects.reserveCapacity(3)
            effects += try stored(.success, value, request, context)
            effects += try part(of: request, .success, value, context)
            return effects
        }
        var publication = context.publication
        publication.parent = request
        var canvas = canvas(publication)
        var following = context
        do {
            let inherited = inheritedPriority(request)
            following.children += try applyCallbacks(callbacks, value, inherited, &canvas).map { ResultReference($0) }
            if let next = chain.popLast() {
                var options = inherited
                options["chain"] = .array(chain)
                if let result = try canvas.apply(CelerySignature.decode(next), args: [value], options: options) {
                    following.children.append(ResultReference(result))
                }
            }
        } catch {
            let failure = TaskFailure(
                "ValueError", "what follows \(request.name) cannot be applied: \(error.message)")
            return try failed(failure, request, context)
        }
        return try steps(of: canvas, in: publication).map(\.effect)
            + stored(.success, value, request, following)
            + part(of: request, .success, value, following)
    }

    /// The option by which what follows a success has the task's priority, whatever priority it was given.
    private func inheritedPriority(_ request: TaskRequest) -> WireObject {
        guard inheritsPriority, let priority = request.priority else { return [:] }
        return ["priority": .int(Int64(priority))]
    }

    /// Applies callbacks. A single one is applied as it is; of several, the tasks become a new group.
    private func applyCallbacks(
        _ callbacks: [WireValue], _ value: WireValue, _ options: WireObject, _ canvas: inout CeleryCanvas
    ) throws(CeleryWireError) -> [CeleryResultTuple] {
        var signatures: [CelerySignature] = []
        for callback in callbacks { signatures.append(try CelerySignature.decode(callback)) }
        var results: [CeleryResultTuple] = []
        var tasks = signatures
        if signatures.count > 1 {
            for group in signatures where group.kind == .group {
                if let result = try canvas.apply(group, args: [value], options: options) { results.append(result) }
            }
            let others = signatures.filter { $0.kind != .group }
            tasks = others.isEmpty ? [] : [.group(others)]
        }
        for task in tasks {
            if let result = try canvas.apply(task, args: [value], options: options) { results.append(result) }
        }
        return results
    }

    // MARK: Failure

    /// Stores the failure, gives the chord its part, fails the rest of the chain too, and calls error callbacks.
    func failed(
        _ failure: TaskFailure, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        let embed = request.celeryForm?.task.embed ?? CeleryEmbed()
        var failure = failure
        let callbacks = errorCallbacks(
            embed.errbacks?.arrayValue ?? [], of: &failure, failedID: request.id, request: request, context)
        var effects = try stored(failure, as: .failure, request, context)
        effects += try part(of: request, .failure, CeleryRemoteException(failure).encode(), context)
        effects += try failChain(embed.chain, failure, request, context, storing: context.storesResult)
        return effects + callbacks.effects
    }

    /// Calls error callbacks. If they cannot be sent, because not all of them are signatures, the failure's traceback
    /// says so.
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

    /// Fails every step of a chain after a failed one with the same failure. A step that belongs to a chord gives the
    /// chord its part, and the body of a step that is a chord fails too.
    ///
    /// `storing` says whether to store the failures; the chain of a task that ignores its result stores none.
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

    /// Calls the error callbacks that this worker knows, and sends the others as a group with the id of the failed
    /// task.
    private func errorCallbacks(
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
        // As at Celery, error callbacks have a parent of their own and inherit nothing.
        publication.parent?.priority = nil
        var canvas = canvas(publication)
        let group: CeleryResultTuple?
        do {
            group = try canvas.apply(
                .group(sent), args: [.string(failedID)],
                options: ["parent_id": .string(failedID), "root_id": .string(request.rootID ?? failedID)])
        } catch {
            throw CeleriacError(.unsupported, "the error callbacks cannot be sent", cause: error)
        }
        return (effects + (try steps(of: canvas, in: publication).map(\.effect)), group)
    }
}
