package import CeleriacCore
import CeleriacWire
import MachineryWire

// Groups and chords: a member joins its group when it ends, and the one that completes the group sends the callback.
extension MachineryFormats {
    /// Joins a task to its group. The store tells the last member to join that the group is complete.
    func joined(
        _ signature: MachinerySignature, _ record: ResultRecord?, isFailure: Bool = false, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        guard !signature.groupUUID.isEmpty else { return [] }
        guard context.storesResult, let record else {
            // Without a backend no member knows of the others. As with Machinery's null backend, every member sends the
            // callback.
            guard let callback = signature.chordCallback, !isFailure else { return [] }
            return try sent(callback, context)
        }
        let part = ChordPart(
            groupID: signature.groupUUID, taskID: signature.uuid, index: nil,
            size: signature.chordCallback == nil ? nil : signature.groupTaskCount, payload: record.payload,
            expiry: context.resultExpiry)
        return [.chord(.add(part))]
    }

    /// The effects when all members of a chord have ended. If one has failed, Machinery does nothing; Celeriac fails
    /// the callback, so that clients that wait for it learn of the failure, and sends its error callbacks.
    package func effects(
        of completion: ChordCompletion, of part: ChordPart, for request: TaskRequest, in context: EffectContext
    ) -> [Effect] {
        guard let callback = request.machinerySignature?.chordCallback?.withID(prefix: "chord_") else { return [] }
        let end = Effect.chord(.close(completion.claim, succeeded: true))
        do {
            return try followUp(callback, completion.parts, context) + [end]
        } catch {
            let text = "the results of the chord cannot be handed on: \(error.code)"
            let record = try? record(
                .failure, of: callback.uuid, named: callback.name, error: text, expiry: context.resultExpiry)
            return (record.map { stored($0, context) } ?? []) + [end]
        }
    }

    /// The effects when the store refuses the end of a member: the callback fails.
    package func effects(
        ofUncounted part: ChordPart, _ failure: TaskFailure, for request: TaskRequest, in context: EffectContext
    ) -> [Effect] {
        guard part.size != nil, let callback = request.machinerySignature?.chordCallback?.withID(prefix: "chord_")
        else { return [] }
        let text = "chord member \(part.taskID) could not be counted: \(failure.text)"
        return (try? chordFailed(callback, text, context)) ?? []
    }

    /// Fails the callback of a chord without running it, and sends its error callbacks.
    private func chordFailed(
        _ callback: MachinerySignature, _ text: String, _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        let record = try record(
            .failure, of: callback.uuid, named: callback.name, error: text, expiry: context.resultExpiry)
        return try stored(record, context) + told(callback.onError, text, context)
    }

    private func followUp(
        _ callback: MachinerySignature, _ states: [[UInt8]], _ context: EffectContext
    ) throws(CeleriacError) -> [Effect] {
        var callback = callback
        var arguments: [MachineryArgument] = []
        for bytes in states {
            let state: MachineryTaskState
            do {
                state = try MachineryTaskState.decode(bytes, limits: limits)
            } catch {
                throw CeleriacError(.resultStore, "the state of a chord's member cannot be read", cause: error)
            }
            guard state.state == TaskState.success.rawValue else {
                return try chordFailed(callback, "chord member \(state.taskUUID) failed: \(state.error)", context)
            }
            arguments += (state.results ?? []).map(\.argument)
        }
        if !callback.immutable { callback.args = (callback.args ?? []) + arguments }
        return try sent(callback, context)
    }
}
