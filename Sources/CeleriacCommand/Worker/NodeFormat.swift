import ArgumentParser
import Glibc

/// Expands `%h` and its kin in the name of a worker and of its files, as Celery does.
///
/// | | in `--hostname` | in the names of files |
/// |---|---|---|
/// | `%h` | this machine's host name | the node's part after `@` |
/// | `%n` | the host name up to its first dot | the node's part before `@` |
/// | `%d` | the host name after its first dot | the same of the node's part after `@` |
/// | `%p` | | the whole node name |
/// | `%i`, `%I` | `0` and nothing: they number child processes, of which there are none | the same |
/// | `%%` | `%` | `%` |
struct NodeFormat {
    private let host: String
    private let name: String
    private let nodeName: String?

    /// Reads a node's name from `--hostname`: `name@host`, or a host alone.
    ///
    /// - Parameters:
    ///   - text: the option; nil for `celery` at this machine.
    ///   - host: this machine's host name.
    ///   - usual: the name of a node that has none.
    /// - Returns: the node's name.
    /// - Throws: `ValidationError` for a `%` that means nothing.
    static func nodeName(_ text: String?, host: String, usual: String = "celery") throws -> String {
        let (name, place) = split(text ?? "")
        let format = NodeFormat(host: host, name: String(host.prefix { $0 != "." }), nodeName: nil)
        return try format.expand("\(name ?? usual)@\(place.isEmpty ? host : place)", of: "--hostname")
    }

    /// The format of the files of a node.
    init(node: String) {
        let (name, host) = Self.split(node)
        self.init(host: host, name: name ?? "celery", nodeName: node)
    }

    private init(host: String, name: String, nodeName: String?) {
        self.host = host
        self.name = name
        self.nodeName = nodeName
    }

    /// Expands a text.
    ///
    /// - Returns: the text with its expansions.
    /// - Throws: `ValidationError` that names the option, for a `%` that means nothing.
    func expand(_ text: String, of option: String) throws -> String {
        var expanded = ""
        var rest = text[...]
        while let character = rest.popFirst() {
            guard character == "%", let code = rest.first, code == "%" || code.isLetter || code.isNumber || code == "_"
            else {
                expanded.append(character)
                continue
            }
            rest.removeFirst()
            switch code {
            case "%": expanded += "%"
            case "h": expanded += host
            case "n": expanded += name
            case "d": expanded += host.firstIndex(of: ".").map { host[host.index(after: $0)...] } ?? ""
            case "i": expanded += "0"
            case "I": break
            case "p" where nodeName != nil: expanded += nodeName ?? ""
            default:
                throw ValidationError(
                    "\(option): '%\(code)' means nothing; use %h, %n, %d, %i or %I, and %% for a %.")
            }
        }
        return expanded
    }

    private static func split(_ node: String) -> (name: String?, host: String) {
        guard let sign = node.firstIndex(of: "@") else { return (nil, node) }
        let name = String(node[..<sign])
        return (name.isEmpty ? nil : name, String(node[node.index(after: sign)...]))
    }

    /// This machine's host name.
    static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
