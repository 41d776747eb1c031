package import CeleriacCore
import CeleriacWire
import CeleryWire

extension CeleryFormats {
    // MARK: Parts

    /// A task's part of its chord, if it belongs to one and the store counts parts.
    func part(
        of request: TaskRequest, _ state: TaskState, _ result: WireValue, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        guard let form = request.celeryForm, let groupID = form.task.group else { return [] }
        // A task whose body cannot be read may belong to a chord. Its part makes whoever adds the last one fail the
        // chord. A part of a group that is no chord completes nothing, and expires.
        let body = form.task.embed.chord ?? .null
        guard !body.isNull || form.lacksBody else { return [] }
        return try part(
            groupID: groupID, taskID: request.id, index: form.task.groupIndex, body: body, state, result, request,
            context)
    }

    func part(
        groupID: String, taskID: String, index: Int?, body: WireValue, _ state: TaskState, _ result: WireValue,
        _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        guard context.publication.countsChords else { return [] }
        let payload: [UInt8]
        do {
            payload = try resultContent.encode(
                [1, .string(taskID), .string(state.rawValue), result], limits: limits)
        } catch {
            throw CeleriacError(.unsupported, "the result of \(request.name) cannot be encoded", cause: error)
        }
        var part = ChordPart(
            groupID: groupID, taskID: taskID, index: index, payload: payload, expiry: context.resultExpiry,
            token: randomUUID())
        part.body = body
        part.children = context.children
        return [.chord(.add(part))]
    }

    // MARK: Ends

    /// The effects when all parts of a header are there: the body is published with their results, or it fails.
    package func effects(
        of completion: ChordCompletion, of part: ChordPart, for request: TaskRequest, in context: EffectContext
    ) -> [Effect] {
        var context = context
        context.children = part.children
        let results = ChordResults.join(completion, content: resultContent, limits: limits)
        let (effects, succeeded) = end(part.body, with: results, request, context)
        return effects + [.chord(.close(completion.claim, succeeded: succeeded))]
    }

    /// The effects when the store refuses a part: the body fails in Celery's words for results that cannot be joined. A
    /// part that knows of no body leaves that to the others.
    package func effects(
        ofUncounted part: ChordPart, _ failure: TaskFailure, for request: TaskRequest, in context: EffectContext
    ) -> [Effect] {
        guard !part.body.isNull else { return [] }
        var context = context
        context.children = part.children
        let joining = ChordResults.Failure("Join error: \(ChordResults.text(failure))")
        let effects = (try? chordFailed(part.body, joining.error, cause: joining.cause, request, context)) ?? []
        let claim = ChordClaim(groupID: part.groupID, token: part.token)
        return effects + [.chord(.close(claim, succeeded: false))]
    }

    /// The effects of the step that a built-in task has left to do.
    func effects(
        of step: any NativeStep, _ request: TaskRequest, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        switch step as? CeleryStep {
        case .endChord(let body, let results)?: return end(body, with: results, request, context).effects
        case .storeFailure(let failure)?:
            return try stored(failure, ofBody: request.id, children: [], request, context)
        case nil: throw CeleriacError(.unsupported, "\(type(of: step)) is not a step of Celery's formats")
        }
    }

    /// Publishes the body of a chord with the results of its header, or fails it.
    private func end(
        _ body: WireValue, with results: Result<[WireValue], ChordResults.Failure>, _ request: TaskRequest,
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
            return (try steps(of: canvas, in: publication).map(\.effect), true)
        } catch {
            let failure = TaskFailure("ChordError", module: "celery.exceptions", "Callback error: \(error)")
            return ((try? chordFailed(body, failure, cause: failure, request, context)) ?? [], false)
        }
    }

    /// Fails the body of a chord without running it: calls its error callbacks, stores its failure, and fails what
    /// comes after it too. If the body is a group, every member fails with the cause of the header's failure.
    private func chordFailed(
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

    /// The id under which clients await the result of a group's member, and its error callbacks.
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

/// Joins the results of a chord's header.
enum ChordResults {
    /// Why a chord's body cannot run.
    struct Failure: Error {
        /// The failure of the body.
        let error: TaskFailure
        /// The cause of the header's failure.
        let cause: TaskFailure

        init(_ text: String, cause: TaskFailure? = nil) {
            error = TaskFailure("ChordError", module: "celery.exceptions", text)
            self.cause = cause ?? error
        }

        /// A part of the header did not succeed.
        init(dependency id: String, _ cause: TaskFailure) {
            self.init("Dependency \(id) raised \(ChordResults.text(cause))", cause: cause)
        }
    }

    /// Returns the results in the order of the header, nested if the header's shape was saved. If one of the parts did
    /// not succeed, returns the failure with which the chord ends.
    static func join(
        _ completion: ChordCompletion, content: CeleryResultContent, limits: WireLimits
    ) -> Result<[WireValue], Failure> {
        var results: [WireValue] = []
        var byID: [String: WireValue] = [:]
        for bytes in completion.parts {
            let part: WireValue
            do throws(CeleryWireError) {
                part = try content.decode(bytes, limits: limits)
            } catch {
                return .failure(Failure("Join error: a part cannot be read: \(error.message)"))
            }
            guard let id = part[1]?.stringValue, let state = part[2]?.stringValue, let result = part[3] else {
                return .failure(Failure("Join error: a part cannot be read"))
            }
            if state == TaskState.failure.rawValue || state == TaskState.revoked.rawValue {
                return .failure(Failure(dependency: id, TaskFailure(CeleryRemoteException.decode(result))))
            }
            results.append(result)
            byID[id] = result
        }
        guard let saved = completion.group,
            let group = try? CeleryResultTuple.decodeGroup(saved, content: content, limits: limits),
            let members = group.members
        else { return .success(results) }
        var nested: [WireValue] = []
        for member in members {
            guard let value = value(of: member, in: byID) else {
                return .failure(Failure("Join error: the result of \(member.id) is missing"))
            }
            nested.append(value)
        }
        return .success(nested)
    }

    /// The result of a member; for a group, the list of its members' results.
    static func value(of member: CeleryResultTuple, in results: [String: WireValue]) -> WireValue? {
        guard let members = member.members else { return results[member.id] }
        var values: [WireValue] = []
        for member in members {
            guard let value = value(of: member, in: results) else { return nil }
            values.append(value)
        }
        return .array(values)
    }

    /// An exception as Python's `repr` shows it.
    static func text(_ failure: TaskFailure) -> String {
        let writer = PythonRepr(maximumLength: 4096, maximumDepth: 8)
        return "\(failure.type)(\(failure.arguments.map { writer.text(of: $0) }.joined(separator: ", ")))"
    }
}
