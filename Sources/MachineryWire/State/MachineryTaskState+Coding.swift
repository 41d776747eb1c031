public import CeleriacWire

extension MachineryTaskState {
    /// The state in Go's JSON, all keys in Go's order.
    ///
    /// - Throws: ``MachineryWireError`` with code `nonFinite` or `valueMismatch` for a result that JSON lacks.
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

    /// Reads a state as leniently as Go does.
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
