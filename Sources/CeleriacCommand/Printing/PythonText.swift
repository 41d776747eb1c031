import CeleriacWire
import CeleryWire

/// Values as Python shows them: that is how Celery's commands print what workers reply.
enum PythonText {
    /// What Python's `str` gives for a value: text as it is.
    static func str(_ value: WireValue) -> String {
        if case .string(let text) = value { return text }
        return PythonExceptionText.repr(value)
    }

    /// The lines of what Python's `json.dumps` gives with `sort_keys=True, indent=4`, except that text is shown as it
    /// reads and not in ASCII.
    static func indentedJSON(_ value: WireValue) -> [String] {
        switch value {
        case .array(let values) where !values.isEmpty:
            ["["] + block(values.map { (label: "", value: $0) }) + ["]"]
        case .object(let object) where !object.isEmpty:
            ["{"] + block(sorted(object).map { (label: "\(scalar(.string($0.key))): ", value: $0.value) }) + ["}"]
        default: [scalar(value)]
        }
    }

    private static func block(_ items: [(label: String, value: WireValue)]) -> [String] {
        items.enumerated().flatMap { index, item -> [String] in
            var lines = indentedJSON(item.value)
            lines[0] = item.label + lines[0]
            if index < items.count - 1 { lines[lines.count - 1] += "," }
            return lines.map { "    " + $0 }
        }
    }

    private static func sorted(_ object: WireObject) -> [WireObject.Element] {
        object.sorted { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) }
    }

    private static func scalar(_ value: WireValue) -> String { CommandOutput(json: false).text(of: value) }
}
