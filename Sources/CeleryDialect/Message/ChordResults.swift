import CeleriacCore
import CeleriacWire
import CeleryWire

/// The results of a chord's header, put together.
enum ChordResults {
    /// Why a chord's body cannot run.
    struct Failure: Error {
        /// What the body fails with.
        let error: TaskFailure
        /// What made the header fail.
        let cause: TaskFailure
    }

    /// The results in the order of the header, nested where the header's shape was saved; or the failure that the chord
    /// ends with, because one of the parts did not succeed.
    static func join(_ completion: ChordCompletion) -> Result<[WireValue], Failure> {
        var results: [WireValue] = []
        var byID: [String: WireValue] = [:]
        for bytes in completion.parts {
            guard let part = try? JSON.decode(bytes), let id = part[1]?.stringValue, let state = part[2]?.stringValue,
                let result = part[3]
            else { return .failure(error("Join error: a part cannot be read")) }
            if state == TaskState.failure.rawValue || state == TaskState.revoked.rawValue {
                let exception = CeleryRemoteException.decode(result)
                let cause = TaskFailure(
                    type: exception.excType, module: exception.excModule ?? "builtins",
                    arguments: exception.excMessage)
                let failure = error("Dependency \(id) raised \(Self.text(exception))")
                return .failure(Failure(error: failure.error, cause: cause))
            }
            results.append(result)
            byID[id] = result
        }
        guard let saved = completion.group, let group = try? CeleryResultTuple.decodeGroup(saved),
            let members = group.members
        else { return .success(results) }
        var nested: [WireValue] = []
        for member in members {
            guard let value = value(of: member, byID) else {
                return .failure(error("Join error: the result of \(member.id) is missing"))
            }
            nested.append(value)
        }
        return .success(nested)
    }

    private static func value(of member: CeleryResultTuple, _ results: [String: WireValue]) -> WireValue? {
        guard let members = member.members else { return results[member.id] }
        var values: [WireValue] = []
        for member in members {
            guard let value = value(of: member, results) else { return nil }
            values.append(value)
        }
        return .array(values)
    }

    private static func error(_ text: String) -> Failure {
        let error = TaskFailure("ChordError", module: "celery.exceptions", text)
        return Failure(error: error, cause: error)
    }

    /// An exception as Python's `repr` shows it.
    private static func text(_ exception: CeleryRemoteException) -> String {
        let writer = PythonRepr(maximumLength: 4096, maximumDepth: 8)
        return "\(exception.excType)(\(exception.excMessage.map { writer.text(of: $0) }.joined(separator: ", ")))"
    }
}
