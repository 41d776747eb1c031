import CeleriacCore
import CeleriacWire

/// A setting's value as a YAML file or the environment gives it, where it is text.
struct ConfigurationValue {
    let value: WireValue
    /// The setting's name there.
    let name: String
    /// Where it stands, as a sentence about it begins.
    let source: String

    func text() throws(CeleriacError) -> String {
        switch value {
        case .string(let text): return text
        case .int(let number): return String(number)
        default: throw mismatch("text")
        }
    }

    func number() throws(CeleriacError) -> Int {
        let number: Int? =
            switch value {
            case .int(let whole): Int(exactly: whole)
            case .double(let fraction): Int(exactly: fraction)
            case .string(let text): Self.integer(text)
            default: nil
            }
        guard let number else { throw mismatch("a number") }
        return number
    }

    func flag() throws(CeleriacError) -> Bool {
        switch value {
        case .bool(let flag): return flag
        case .string(let text) where Self.wordsForTrue.contains(text): return true
        case .string(let text) where Self.wordsForFalse.contains(text): return false
        default: throw mismatch("true or false")
        }
    }

    /// Reads a map; in the environment it is `key:value,key:value`, whose values are text.
    func map() throws(CeleriacError) -> WireObject {
        switch value {
        case .object(let object): return object
        case .string(let text):
            var object: WireObject = [:]
            for pair in text.split(separator: ",") {
                let parts = pair.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2 else { throw mismatch("key:value pairs") }
                object[String(parts[0])] = .string(String(parts[1]))
            }
            return object
        default: throw mismatch("a map")
        }
    }

    /// Whether a setting that cannot be followed asks for nothing: it is empty, zero or false.
    var asksForNothing: Bool {
        switch value {
        case .null, .bool(false), .int(0): true
        case .string(let text): text.isEmpty || Self.wordsForFalse.contains(text)
        default: false
        }
    }

    // The words of Go's strconv.ParseBool, and those that only Go's YAML takes: `yes`, `no`, `on` and `off` arrive as
    // booleans.
    private static let wordsForTrue: Set<String> = ["1", "t", "T", "true", "TRUE", "True", "y", "Y"]
    private static let wordsForFalse: Set<String> = ["0", "f", "F", "false", "FALSE", "False", "n", "N"]

    /// Reads an integer as Go's strconv.ParseInt reads it without a base: `0x10` is 16, `0b10` is 2, `0o10` and `010` are
    /// 8, and single underscores may stand between digits.
    static func integer(_ text: String) -> Int? {
        var digits = Substring(text.lowercased())
        let isNegative = digits.hasPrefix("-")
        if isNegative || digits.hasPrefix("+") { digits = digits.dropFirst() }
        var radix = 10
        for (prefix, base) in [("0x", 16), ("0b", 2), ("0o", 8), ("0", 8)] {
            guard digits.hasPrefix(prefix), digits.count > prefix.count else { continue }
            digits = digits.dropFirst(prefix.count)
            radix = base
            // One underscore may stand between the base and the digits.
            if digits.hasPrefix("_") { digits = digits.dropFirst() }
            break
        }
        let parts = digits.split(separator: "_", omittingEmptySubsequences: false)
        let joined = parts.joined(separator: "")
        guard !parts.contains(where: \.isEmpty), joined.allSatisfy(\.isHexDigit) else { return nil }
        return Int((isNegative ? "-" : "") + joined, radix: radix)
    }

    private func mismatch(_ expected: String) -> CeleriacError {
        CeleriacError(.configuration, "\(name) in \(source) is not \(expected)")
    }
}
