public import CeleriacWire

/// Exceptions and strings as Python's own `repr` shows them, for replies and events that a person reads.
public enum PythonExceptionText {
    /// An exception: `ValueError('boom', 42)`.
    public static func text(type: String, arguments: [WireValue]) -> String {
        "\(type)(\(arguments.map { text(of: $0) }.joined(separator: ", ")))"
    }

    /// A string as a Python literal.
    public static func quoted(_ string: String) -> String {
        let quote: Unicode.Scalar = string.contains("'") && !string.contains("\"") ? "\"" : "'"
        var output = String(quote)
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\\", quote: output += "\\\(scalar)"
            case "\n": output += "\\n"
            case "\r": output += "\\r"
            case "\t": output += "\\t"
            case _ where scalar.value < 0x20 || 0x7f...0xa0 ~= scalar.value:
                let digits = String(scalar.value, radix: 16)
                output += "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output + String(quote)
    }

    private static func text(of value: WireValue) -> String {
        if case .string(let string) = value { return quoted(string) }
        return PythonRepr().text(of: value)
    }
}
