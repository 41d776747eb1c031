import CeleriacCore
import CeleriacWire

/// Reads settings by their names, from a YAML file or from the environment.
struct ConfigurationFields {
    let source: String
    let value: (String) -> WireValue?

    func text(_ name: String, _ target: inout String) throws(CeleriacError) {
        switch value(name) {
        case nil, .null?: return
        case .string(let text)?: target = text
        case .int(let number)?: target = String(number)
        default: throw mismatch(name, "text")
        }
    }

    func number(_ name: String, _ target: inout Int) throws(CeleriacError) {
        switch value(name) {
        case nil, .null?: return
        case .int(let number)?:
            guard let number = Int(exactly: number) else { throw mismatch(name, "a number") }
            target = number
        case .string(let text)?:
            guard let number = Int(text) else { throw mismatch(name, "a number") }
            target = number
        default: throw mismatch(name, "a number")
        }
    }

    func flag(_ name: String, _ target: inout Bool) throws(CeleriacError) {
        switch value(name) {
        case nil, .null?: return
        case .bool(let flag)?: target = flag
        // What Go's strconv.ParseBool takes.
        case .string(let text)? where ["1", "t", "T", "true", "TRUE", "True"].contains(text): target = true
        case .string(let text)? where ["0", "f", "F", "false", "FALSE", "False"].contains(text): target = false
        default: throw mismatch(name, "true or false")
        }
    }

    /// A map; in the environment `key:value,key:value`, whose values are text.
    func map(_ name: String, _ target: inout WireObject) throws(CeleriacError) {
        switch value(name) {
        case nil, .null?: return
        case .object(let object)?: target = object
        case .string(let text)?:
            var object: WireObject = [:]
            for pair in text.split(separator: ",") {
                let parts = pair.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                guard parts.count == 2 else { throw mismatch(name, "key:value pairs") }
                object[String(parts[0])] = .string(String(parts[1]))
            }
            target = object
        default: throw mismatch(name, "a map")
        }
    }

    private func mismatch(_ name: String, _ expected: String) -> CeleriacError {
        CeleriacError(.configuration, "\(name) in \(source) is not \(expected)")
    }
}
