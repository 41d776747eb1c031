public import CeleriacWire

/// The state of a task as result backends store it.
public struct MachineryTaskState: Sendable, Hashable {
    /// The task's id.
    public var taskUUID: String
    /// The task's name. The AMQP backend stores it in the first state only.
    public var taskName: String
    /// `PENDING`, `RECEIVED`, `STARTED`, `RETRY`, `SUCCESS` or `FAILURE`.
    public var state: String
    /// The results of a success, which is an empty list if the task returns nothing; `nil` in any other state.
    public var results: [MachineryResult]?
    /// The error of a failed task; empty in any other state.
    public var error: String
    /// When the task was last sent.
    public var createdAt: GoTime
    /// When DynamoDB drops the state, in seconds since 1970; 0 elsewhere.
    public var ttl: Int

    /// Creates a state.
    public init(
        taskUUID: String, taskName: String = "", state: String, results: [MachineryResult]? = nil, error: String = "",
        createdAt: GoTime = .zero, ttl: Int = 0
    ) {
        self.taskUUID = taskUUID
        self.taskName = taskName
        self.state = state
        self.results = results
        self.error = error
        self.createdAt = createdAt
        self.ttl = ttl
    }

    /// Whether the state is final.
    public var isCompleted: Bool { state == "SUCCESS" || state == "FAILURE" }
}

extension MachineryTaskState {
    /// The state in Go's JSON, with all keys in Go's order.
    ///
    /// - Throws: ``MachineryWireError``: `nonFinite`, `tooDeep` or `valueMismatch` for a result that JSON cannot carry.
    public func encode() throws(MachineryWireError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(224)
        bytes.append(key: "{\"TaskUUID\":", text: taskUUID)
        bytes.append(key: ",\"TaskName\":", text: taskName)
        bytes.append(key: ",\"State\":", text: state)
        bytes.append(key: ",\"Results\":")
        if let results {
            bytes.append(UInt8(ascii: "["))
            for (index, result) in results.enumerated() {
                bytes.append(key: index == 0 ? "{\"Type\":" : ",{\"Type\":", text: result.type)
                bytes.append(key: ",\"Value\":")
                try bytes.append(value: result.value)
                bytes.append(UInt8(ascii: "}"))
            }
            bytes.append(UInt8(ascii: "]"))
        } else {
            bytes.append(key: "null")
        }
        bytes.append(key: ",\"Error\":", text: error)
        bytes.append(key: ",\"CreatedAt\":", time: createdAt)
        bytes.append(key: ",\"TTL\":", number: ttl)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    /// Reads a state as tolerantly as Go does.
    ///
    /// - Throws: ``MachineryWireError``: `malformedJSON`, `tooDeep`, or `invalidField`.
    public static func decode(_ bytes: [UInt8], limits: WireLimits = .default) throws(MachineryWireError)
        -> MachineryTaskState
    {
        var state = MachineryTaskState(taskUUID: "", state: "")
        let fields = GoFields(what: "the state")
        for (key, value) in try fields.object(GoDocument.decode(bytes, limits: limits)) {
            switch key.lowercased() {
            case "taskuuid": try fields.text(value, "TaskUUID", &state.taskUUID)
            case "taskname": try fields.text(value, "TaskName", &state.taskName)
            case "state": try fields.text(value, "State", &state.state)
            case "results": state.results = try results(value, fields)
            case "error": try fields.text(value, "Error", &state.error)
            case "createdat": state.createdAt = try fields.time(value, "CreatedAt") ?? state.createdAt
            case "ttl": try fields.number(value, "TTL", &state.ttl)
            default: break
            }
        }
        return state
    }

    private static func results(_ value: WireValue, _ fields: GoFields) throws(MachineryWireError) -> [MachineryResult]?
    {
        guard let elements = try fields.array(value, "Results") else { return nil }
        var results: [MachineryResult] = []
        for element in elements {
            var result = MachineryResult(type: "", value: .null)
            let fields = GoFields(what: "a result")
            for (key, value) in try fields.object(element) {
                switch key.lowercased() {
                case "type": try fields.text(value, "Type", &result.type)
                case "value": result.value = value
                default: break
                }
            }
            results.append(result)
        }
        return results
    }
}

/// One result of a task.
public struct MachineryResult: Sendable, Hashable {
    /// Go's name of the type. Unlike the type of an argument it may be any Go type, even one that no peer can read.
    public var type: String
    /// The value as it is in the state, where bytes are base64 text.
    public var value: WireValue

    /// Creates a result.
    public init(type: String, value: WireValue) {
        self.type = type
        self.value = value
    }

    /// The argument that passes the result to a callback.
    package var argument: MachineryArgument { MachineryArgument(type: type, value: value) }
}

extension MachineryResult {
    /// The result as a value.
    package var wireValue: WireValue { .object(["Type": .string(type), "Value": value]) }

    /// Reads a result; `nil` if the value is not an object with exactly `Type` and `Value`.
    package init?(wire value: WireValue) {
        guard case .object(let object) = value, case .string(let type)? = object["Type"],
            let inner = object["Value"], object.count == 2
        else { return nil }
        self.init(type: type, value: inner)
    }
}
