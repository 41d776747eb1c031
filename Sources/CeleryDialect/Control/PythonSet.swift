import CeleriacWire
import CeleryWire

/// Sets as Python shows them.
enum PythonSet {
    static func text(of ids: [String]) -> String { text(of: ids.map { .string($0) }) }

    static func text(of values: [WireValue]) -> String {
        if values.isEmpty { return "set()" }
        let texts = values.map { value in
            if case .string(let string) = value { return PythonExceptionText.quoted(string) }
            return PythonRepr().text(of: value)
        }
        return "{\(texts.joined(separator: ", "))}"
    }
}
