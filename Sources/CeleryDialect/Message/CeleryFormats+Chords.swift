import CeleriacCore
import CeleriacWire
import CeleryWire

extension CeleryFormats {
    /// A task's part of the chord that it belongs to, if it does and the store counts.
    func part(
        of request: TaskRequest, _ state: TaskState, _ result: WireValue, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        guard let task = request.message as? CeleryTaskMessage, let body = task.embed.chord, !body.isNull,
            let groupID = task.group
        else { return [] }
        return try part(
            groupID: groupID, taskID: request.id, index: task.groupIndex, body: body, state, result, request, context)
    }

    func part(
        groupID: String, taskID: String, index: Int?, body: WireValue, _ state: TaskState, _ result: WireValue,
        _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        guard context.publication.countsChords else { return [] }
        let payload: [UInt8]
        do {
            payload = try WireJSON.encode([1, .string(taskID), .string(state.rawValue), result], style: .python)
        } catch {
            throw CeleriacError(.unsupported, "the result of \(request.name) cannot be encoded", cause: error)
        }
        let part = ChordPart(
            groupID: groupID, taskID: taskID, index: index, payload: payload, expiry: context.resultExpiry,
            token: CeleryID.random()
        ) { completion in
            effects(of: completion, body: body, request, context)
        }
        return [.chord(.add(part))]
    }

    /// What follows when all parts of a header are there: the body is published with their results, or it fails.
    func effects(
        of completion: ChordCompletion, body: WireValue, _ request: TaskRequest, _ context: EffectContext
    ) -> [Effect] {
        let (effects, succeeded) = effects(of: ChordResults.join(completion), body: body, request, context)
        return effects + [.chord(.close(completion.claim, succeeded: succeeded))]
    }

    /// What a task of Celery's own has left to be done.
    func effects(
        ofOwn step: any Sendable, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        switch step {
        case let end as ChordEnd:
            return effects(of: end.results, body: end.body, request, context).effects
        case let failure as UnreadableCall:
            return try stored(failure.error, ofBody: request.id, children: [], request, context)
        default:
            throw CeleriacError(.unsupported, "\(type(of: step)) is nothing that a task can leave to Celery's formats")
        }
    }

    private func effects(
        of results: Result<[WireValue], ChordResults.Failure>, body: WireValue, _ request: TaskRequest,
        _ context: EffectContext
    ) -> (effects: [Effect], succeeded: Bool) {
        do {
            let values: [WireValue]
            switch results {
            case .success(let results): values = results
            case .failure(let failure):
                return (try chordFailed(body, failure.error, cause: failure.cause, request, context), false)
            }
            var publication = context.publication
            publication.parent = request
            var canvas = canvas(publication)
            try canvas.apply(CelerySignature.decode(body), args: [.array(values)])
            return (try effects(of: canvas.steps, in: publication), true)
        } catch {
            let failure = TaskFailure("ChordError", module: "celery.exceptions", "Callback error: \(error)")
            return ((try? chordFailed(body, failure, cause: failure, request, context)) ?? [], false)
        }
    }

    /// The body of a chord fails without having run: its error callbacks are called, its failure is stored, and what comes
    /// after it fails too. Of a group every member does, with what made the header fail.
    func chordFailed(
        _ body: WireValue, _ failure: TaskFailure, cause: TaskFailure, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        guard let signature = try? CelerySignature.decode(body) else { return [] }
        var effects: [Effect] = []
        var children = context.children.map { CeleryResultTuple($0) }
        func fail(_ id: String?, _ failure: TaskFailure, _ errbacks: [WireValue]) throws(CeleriacError) {
            var failure = failure
            let callbacks = errorCallbacks(
                errbacks, of: &failure, failedID: id ?? request.id, request: request, context)
            if let group = callbacks.sent { children.append(group) }
            effects += callbacks.effects
            if let id { effects += try stored(failure, ofBody: id, children: children, request, context) }
        }
        let errbacks = Self.list(signature, "link_error")
        if signature.kind == .group {
            for member in (try? signature.members()) ?? [] {
                let (id, own) = Self.result(of: member)
                if let id { try fail(id, cause, own + errbacks.filter { !own.contains($0) }) }
            }
            if let id = signature.id { try fail(id, cause, []) }
        } else {
            try fail(signature.id, failure, errbacks)
        }
        return effects + (try failChain(signature.options["chain"], failure, request, context, storing: true))
    }

    /// The id under which the result of a member of a group is awaited, and the error callbacks of that.
    private static func result(of member: CelerySignature) -> (id: String?, errbacks: [WireValue]) {
        switch member.kind {
        case .chain:
            guard let last = try? member.members().last else { return (nil, []) }
            let (id, errbacks) = result(of: last)
            let own = list(member, "link_error")
            return (member.id ?? id, own + errbacks.filter { !own.contains($0) })
        case .chord:
            guard let body = try? member.body() else { return (nil, []) }
            return result(of: body)
        case .task, .group, .chunks: return (member.id, list(member, "link_error"))
        }
    }

    private static func list(_ signature: CelerySignature, _ option: String) -> [WireValue] {
        switch signature.options[option] {
        case .array(let values)?: values
        case .null?, nil: []
        case let value?: [value]
        }
    }
}
