public import CeleriacWire

/// A call that has not been made yet, as it stands in callbacks, chains and chords.
public struct CelerySignature: Sendable, Hashable {
    /// The name of the task.
    public var task: String
    /// The positional arguments; unless `immutable`, the result of the task before comes in front of them.
    public var args: [WireValue]
    /// The keyword arguments.
    public var kwargs: WireObject
    /// Execution options: `task_id`, `queue`, `countdown`, `link`, `chord` and others.
    public var options: WireObject
    /// `chain`, `group`, `chord`, `xmap`, `xstarmap` or `chunks`; `nil` for a task.
    public var subtaskType: String?
    /// Whether the call takes nothing from the task before it.
    public var immutable: Bool
    /// Further keys, for instance the `chord_size` of Celery 4.
    public var other: WireObject

    /// Makes a signature.
    public init(
        task: String,
        args: [WireValue] = [],
        kwargs: WireObject = [:],
        options: WireObject = [:],
        subtaskType: String? = nil,
        immutable: Bool = false,
        other: WireObject = [:]
    ) {
        self.task = task
        self.args = args
        self.kwargs = kwargs
        self.options = options
        self.subtaskType = subtaskType
        self.immutable = immutable
        self.other = other
    }

    /// Reads a signature. Keys but `task` may be absent or null.
    ///
    /// - Throws: `CeleryWireError.Code.invalidTask` naming the key that is of another type.
    public static func decode(_ value: WireValue) throws(CeleryWireError) -> CelerySignature {
        guard case .object(let object) = value, case .string(let task)? = object["task"] else {
            throw .invalid("task", "a signature must be an object with the name of a task")
        }
        var signature = CelerySignature(task: task)
        for (key, value) in object {
            switch (key, value) {
            case ("task", _), ("args", .null), ("kwargs", .null), ("options", .null), ("subtask_type", .null): break
            case ("args", .array(let values)): signature.args = values
            case ("kwargs", .object(let values)): signature.kwargs = values
            case ("options", .object(let values)): signature.options = values
            case ("subtask_type", .string(let text)): signature.subtaskType = text
            case ("immutable", _): signature.immutable = value.isTruthy
            case ("args", _), ("kwargs", _), ("options", _), ("subtask_type", _):
                throw .invalid(key, "a part of a signature is of the wrong type")
            default: signature.other[key] = value
            }
        }
        return signature
    }

    /// The signature as it stands on the wire, with all keys.
    public func encode() -> WireValue {
        var object: WireObject = [
            "task": .string(task),
            "args": .array(args),
            "kwargs": .object(kwargs),
            "options": .object(options),
            "subtask_type": subtaskType.map { .string($0) } ?? .null,
            "immutable": .bool(immutable),
        ]
        object.merge(other) { own, _ in own }
        return .object(object)
    }
}
