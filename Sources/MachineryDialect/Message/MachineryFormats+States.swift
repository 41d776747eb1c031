package import CeleriacCore
package import CeleriacWire
package import MachineryWire

package import struct FoundationEssentials.Date

extension MachineryFormats {
    /// The record of a state before the end.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` for a value, which Machinery's states do not have before the
    ///   end.
    package func record(
        ofState state: TaskState, meta: WireValue?, for request: TaskRequest, in context: EffectContext
    ) throws(CeleriacError) -> ResultRecord? {
        guard state == .received || state == .started || state == .retry || meta?.isNull ?? true else {
            throw CeleriacError(.unsupported, "Machinery's states carry no values on the way")
        }
        return try record(state, of: request.id, named: request.name, expiry: context.resultExpiry)
    }

    /// The state of a task that waits to run. Later states keep its time.
    package func pending(_ signature: MachinerySignature, now: Date, expiry: Duration?) throws(CeleriacError)
        -> ResultRecord
    {
        var state = MachineryTaskState(
            taskUUID: signature.uuid, taskName: signature.name, state: TaskState.pending.rawValue)
        state.createdAt = GoTime(now)
        return try record(state, expiry: expiry)
    }

    func record(
        _ state: TaskState, of id: String, named name: String, results: [MachineryResult]? = nil, error: String = "",
        expiry: Duration?
    ) throws(CeleriacError) -> ResultRecord {
        try record(
            MachineryTaskState(
                taskUUID: id, taskName: laterStatesNameTheirTask ? name : "", state: state.rawValue, results: results,
                error: error),
            expiry: expiry)
    }

    private func record(_ state: MachineryTaskState, expiry: Duration?) throws(CeleriacError) -> ResultRecord {
        do {
            return ResultRecord(
                taskID: state.taskUUID, state: TaskState(rawValue: state.state), payload: try state.encode(),
                expiry: expiry)
        } catch {
            throw CeleriacError(.unsupported, "a state of \(state.taskName) cannot be encoded", cause: error)
        }
    }
}
