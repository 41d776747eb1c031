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
        switch outcome {
        case .success(let value):
            return try success(value, request, context)
        case .failure(let failure):
            return try failed(
                failure, settledAs: context.taskOptions.acknowledgesOnFailure ? .acknowledge : .reject, request, context
            )
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
            return try failed(
                error, settledAs: context.taskOptions.acknowledgesOnTimeout ? .acknowledge : .requeue, request, context)
        case .unregistered:
            let error = TaskFailure("NotRegistered", module: "celery.exceptions", request.name)
            let fault = MessageFault(
                reason: "unregistered", detail: "no handler is registered for \(request.name) at this worker")
            return try failed(error, settledAs: .park(fault), request, context)
        case .replaced(let submission):
            return try replaced(by: submission, request, context)
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
            return try failed(failure, settledAs: .acknowledge, request, context)
        }
        return try effects(of: canvas.steps, in: publication)
            + stored(.success, value, children: children, request, context)
            + part(of: request, .success, value, context) + [.settle(.acknowledge)]
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
    /// Where those cannot be sent, whoever waits is told of the failure all the same, and the message is kept aside.
    private func failed(
        _ failure: TaskFailure, settledAs disposition: Settlement.Disposition, _ request: TaskRequest,
        _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        let embed = (request.message as? CeleryTaskMessage)?.embed ?? CeleryEmbed()
        var effects = try stored(failure, as: .failure, request, context)
        effects += try part(of: request, .failure, CeleryRemoteException(failure).encode(), context)
        effects += try failChain(embed.chain, failure, request, context)
        do {
            effects += try errorCallbacks(
                embed.errbacks?.arrayValue ?? [], failure, failedID: request.id, request: request, context)
        } catch {
            let fault = MessageFault(reason: "errorCallbacksNotSendable", detail: "\(error)")
            return effects + [.settle(.park(fault))]
        }
        return effects + [.settle(disposition)]
    }

    /// Every step of a chain that comes after a failed one gets the same failure; one that belongs to a chord gives it its
    /// part, and the body of one that is a chord fails too.
    func failChain(
        _ chain: WireValue?, _ failure: TaskFailure, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        var effects: [Effect] = []
        var pending = Array((chain?.arrayValue ?? []).reversed())
        while let step = pending.popLast() {
            guard let signature = try? CelerySignature.decode(step) else { continue }
            let groupID = signature.options["group_id"]?.stringValue
            if let id = signature.id, context.storesResult {
                effects += try stored(failure, as: .failure, id: id, groupID: groupID, request, context)
            }
            if let id = signature.id, let groupID, let body = signature.options["chord"], !body.isNull {
                effects += try part(
                    groupID: groupID, taskID: id, index: signature.options["group_index"]?.intValue, body: body,
                    .failure, CeleryRemoteException(failure).encode(), request, context)
            }
            if signature.kind == .chord, let body = try? signature.body() { pending.insert(body.encode(), at: 0) }
        }
        return effects
    }

    /// Error callbacks that this worker knows are called here; the others are sent with the id of what failed.
    func errorCallbacks(
        _ errbacks: [WireValue], _ failure: TaskFailure, failedID: String, request: TaskRequest,
        _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
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
        guard !sent.isEmpty else { return effects }
        var publication = context.publication
        publication.parent = request
        var canvas = canvas(publication)
        do {
            try canvas.apply(
                .group(sent), args: [.string(failedID)],
                options: ["parent_id": .string(failedID), "root_id": .string(request.rootID ?? failedID)])
        } catch {
            throw CeleriacError(.unsupported, "the error callbacks cannot be sent", cause: error)
        }
        return effects + (try self.effects(of: canvas.steps, in: publication))
    }

    // MARK: Storing

    func stored(
        _ state: TaskState, _ value: WireValue, children: [CeleryResultTuple] = [], _ request: TaskRequest,
        _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        guard context.storesResult else { return [] }
        return [.store(try record(state, value, traceback: nil, children: children, request, context))]
    }

    func stored(
        _ failure: TaskFailure, as state: TaskState, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        guard context.storesResult || context.taskOptions.storesErrorsEvenIfIgnored else { return [] }
        let children = context.children.map { CeleryResultTuple($0) }
        return [
            .store(
                try record(
                    state, CeleryRemoteException(failure).encode(), traceback: failure.traceback, children: children,
                    request, context))
        ]
    }

    /// The failure of a task that never ran.
    func stored(
        _ failure: TaskFailure, as state: TaskState, id: String, groupID: String?, _ request: TaskRequest,
        _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        var other = request
        other.id = id
        other.groupID = groupID
        other.parentID = nil
        other.correlationID = id
        var record = try record(
            state, CeleryRemoteException(failure).encode(), traceback: failure.traceback, other, context)
        record.correlationID = id
        return [.store(record)]
    }

    private func record(
        _ state: TaskState, _ result: WireValue, traceback: String?, children: [CeleryResultTuple] = [],
        _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> ResultRecord {
        var meta = CeleryResultMeta(status: state.rawValue, result: result, taskID: request.id)
        meta.traceback = traceback
        meta.children = .array(children.map { $0.encode() })
        meta.dateDone = state.isFinal ? CeleryTime.text(context.now) : nil
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
        do {
            return ResultRecord(
                taskID: request.id, state: state, payload: try meta.encode(), replyTo: request.replyTo ?? "",
                correlationID: request.correlationID, expiry: context.resultExpiry)
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
        task.retries += 1
        task.eta = try text(eta)
        task.parentID = task.parentID ?? task.id
        task.ignoreResult = task.ignoreResult ?? false
        // A broker's own account of the message: one that goes round with it may be dropped as caught in a cycle.
        task.otherHeaders = task.otherHeaders.filter { !Self.isBrokerHeader($0.key) }
        task.properties.expiration = request.expires.map { CeleryTime.expiration(expires: $0, now: now) }
        return OutgoingMessage(
            message: try encode(task), routingKey: request.queue, declaredQueue: request.queue)
    }

    private static func isBrokerHeader(_ name: String) -> Bool {
        name == "x-death" || name == "x-delivery-count" || name.hasPrefix("x-first-death-")
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
            return try failed(failure, settledAs: .acknowledge, request, context)
        }
        return try effects(of: canvas.steps, in: publication) + [.settle(.acknowledge)]
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
        self.init(excType: failure.type, excMessage: failure.arguments, excModule: failure.module)
    }
}
