public import CeleriacWire

/// A call that has not been made yet, as callbacks, chains and chords carry it.
public struct CelerySignature: Sendable, Hashable {
    /// The name of the task.
    public var task: String
    /// The positional arguments. Unless the signature is ``immutable``, the previous task's result goes in front of
    /// them.
    public var args: [WireValue]
    /// The keyword arguments.
    public var kwargs: WireObject
    /// Execution options: `task_id`, `queue`, `countdown`, `link`, `chord` and others.
    public var options: WireObject
    /// `chain`, `group`, `chord`, `xmap`, `xstarmap` or `chunks`; `nil` for a task.
    public var subtaskType: String?
    /// Whether the call ignores the result of the previous task.
    public var immutable: Bool
    /// Other keys, for instance the `chord_size` of Celery 4.
    public var other: WireObject

    /// Creates a signature.
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

    /// Reads a signature. All keys but `task` may be absent or null.
    ///
    /// - Throws: `CeleryWireError.Code.invalidTask`, which names the key that has the wrong type.
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

    /// The signature as it is on the wire, with all keys.
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

extension CelerySignature {
    /// What a signature describes.
    public enum Kind: Sendable, Hashable {
        /// One task, which may be `celery.map` or `celery.starmap`.
        case task
        /// Tasks that run one after another, each with the result of the previous one.
        case chain
        /// Tasks that run in parallel.
        case group
        /// A group, and a body that gets all its results.
        case chord
        /// A list that is split into parts, each of which a `celery.starmap` runs.
        case chunks
    }

    /// What the signature describes.
    public var kind: Kind {
        switch subtaskType {
        case "chain": .chain
        case "group": .group
        case "chord": .chord
        case "chunks": .chunks
        default: .task
        }
    }

    /// A chain of signatures.
    public static func chain(_ tasks: [CelerySignature], options: WireObject = [:]) -> CelerySignature {
        CelerySignature(
            task: "celery.chain", kwargs: ["tasks": .array(tasks.map { $0.encode() })], options: options,
            subtaskType: "chain")
    }

    /// A group of signatures.
    public static func group(_ tasks: [CelerySignature], options: WireObject = [:]) -> CelerySignature {
        CelerySignature(
            task: "celery.group", kwargs: ["tasks": .array(tasks.map { $0.encode() })], options: options,
            subtaskType: "group")
    }

    /// A chord: a header of parallel signatures, and a body that gets the list of their results.
    public static func chord(
        _ header: CelerySignature, body: CelerySignature, options: WireObject = [:]
    ) -> CelerySignature {
        CelerySignature(
            task: "celery.chord",
            kwargs: ["kwargs": [:], "header": header.encode(), "body": body.encode()], options: options,
            subtaskType: "chord")
    }

    /// The signatures in a chain or a group.
    ///
    /// - Throws: `CeleryWireError.Code.invalidTask` if they are not a list of signatures.
    public func members() throws(CeleryWireError) -> [CelerySignature] {
        guard case .array(let values)? = kwargs["tasks"] else {
            throw .invalid("tasks", "a \(subtaskType ?? "canvas") must have a list of tasks")
        }
        return try values.map { value throws(CeleryWireError) in try CelerySignature.decode(value) }
    }

    mutating func setMembers(_ members: [CelerySignature]) {
        kwargs["tasks"] = .array(members.map { $0.encode() })
    }

    /// The header of a chord as a group, whether the message has a group or a list.
    ///
    /// - Throws: `CeleryWireError.Code.invalidTask` if there is none.
    public func header() throws(CeleryWireError) -> CelerySignature {
        switch kwargs["header"] {
        case .array(let values)?:
            let tasks = try values.map { value throws(CeleryWireError) in try CelerySignature.decode(value) }
            return .group(tasks)
        case let value?:
            let header = try CelerySignature.decode(value)
            return header.kind == .group ? header : .group([header])
        case nil:
            throw .invalid("header", "a chord must have a header")
        }
    }

    /// The body of a chord.
    ///
    /// - Throws: `CeleryWireError.Code.invalidTask` if there is none.
    public func body() throws(CeleryWireError) -> CelerySignature {
        guard let value = kwargs["body"], !value.isNull else { throw .invalid("body", "a chord must have a body") }
        return try CelerySignature.decode(value)
    }

    mutating func setHeader(_ header: CelerySignature) { kwargs["header"] = header.encode() }
    mutating func setBody(_ body: CelerySignature) { kwargs["body"] = body.encode() }
}
