public import CeleriacWire

/// What Python's `AsyncResult.get()` gave.
public enum PythonOutcome: Sendable, Hashable {
    /// It returned this value. Datetimes, decimals, UUIDs and bytes are objects with `__type__` and `__value__`.
    case success(WireValue)
    /// It raised this exception.
    case failure(state: String, type: String, module: String, arguments: [WireValue])
    /// It waited in vain; the task had this state.
    case timeout(state: String)

    /// The returned value; nil for the other outcomes.
    public var value: WireValue? {
        if case .success(let value) = self { value } else { nil }
    }

    /// Reads the driver's answer; nil if it is none.
    init?(answer: WireValue) {
        guard let state = answer["state"]?.stringValue else { return nil }
        if let result = answer["result"] {
            self = .success(result)
        } else if let error = answer["error"], let type = error["type"]?.stringValue {
            self = .failure(
                state: state, type: type, module: error["module"]?.stringValue ?? "",
                arguments: error["args"]?.arrayValue ?? [])
        } else if answer["timeout"]?.boolValue == true {
            self = .timeout(state: state)
        } else {
            return nil
        }
    }
}
