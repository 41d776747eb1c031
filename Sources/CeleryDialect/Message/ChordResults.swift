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

        init(_ text: String, cause: TaskFailure? = nil) {
            error = TaskFailure("ChordError", module: "celery.exceptions", text)
            self.cause = cause ?? error
        }

        /// A part of the header did not succeed.
        init(dependency id: String, _ cause: TaskFailure) {
            self.init("Dependency \(id) raised \(ChordResults.text(cause))", cause: cause)
        }
    }

    /// The results in the order of the header, nested where the header's shape was saved; or the failure that the chord
    /// ends with, because one of the parts did not succeed.
    static func join(_ completion: ChordCompletion) -> Result<[WireValue], Failure> {
        var results: [WireValue] = []
        var byID: [String: WireValue] = [:]
        for bytes in completion.parts {
            guard let part = try? WireJSON.decode(bytes), let id = part[1]?.stringValue,
                let state = part[2]?.stringValue,
                let result = part[3]
            else { return .failure(Failure("Join error: a part cannot be read")) }
            if state == TaskState.failure.rawValue || state == TaskState.revoked.rawValue {
                let exception = CeleryRemoteException.decode(result)
                return .failure(
                    Failure(
                        dependency: id,
                        TaskFailure(
                            type: exception.excType, module: exception.excModule ?? "builtins",
                            arguments: exception.excMessage)))
            }
            results.append(result)
            byID[id] = result
        }
        guard let saved = completion.group, let group = try? CeleryResultTuple.decodeGroup(saved),
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

    /// The result of a member, the list of them for a group.
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
