package import CeleriacCore
package import CeleriacWire

/// Fills what settings leave to be filled in: `${NAME}` stands for an environment variable, `${file:PATH}` for the first line
/// of a file. What looks like either in a value that was filled in stays as it is.
package struct SettingPlaceholders {
    /// What is done about `${` that begins neither.
    package enum Others {
        /// It stays, as settings of others may have it.
        case stay
        /// It is an error, in files whose only `$` is ours.
        case refused
    }

    private let environment: [String: String]
    private let others: Others
    private let error: (String) -> CeleriacError

    /// Makes one.
    ///
    /// - Parameters:
    ///   - environment: the variables.
    ///   - others: what is done about `${` that begins no place.
    ///   - error: makes an error of what is wrong, such as `needs the environment variable NAME`.
    package init(environment: [String: String], others: Others, error: @escaping (String) -> CeleriacError) {
        self.environment = environment
        self.others = others
        self.error = error
    }

    /// The value with its texts filled. The keys of objects stay.
    package func filled(_ value: WireValue) throws(CeleriacError) -> WireValue {
        switch value {
        case .string(let text): return .string(try filled(text))
        case .array(let elements):
            var list: [WireValue] = []
            for element in elements { list.append(try filled(element)) }
            return .array(list)
        case .object(let object):
            var copy: WireObject = [:]
            for (key, element) in object { copy[key] = try filled(element) }
            return .object(copy)
        default: return value
        }
    }

    /// The text with its places filled.
    package func filled(_ text: String) throws(CeleriacError) -> String {
        let unclosed = others == .refused ? error("has ${ without }") : nil
        return try Placeholders.fill(text, unclosed: unclosed) { name throws(CeleriacError) in
            try value(of: name)
        }
    }

    private func value(of name: String) throws(CeleriacError) -> String? {
        if name.hasPrefix("file:") {
            let path = String(name.dropFirst("file:".count))
            guard let secret = try? SecretFile.read(path) else {
                throw error("names the file \(path), which cannot be read")
            }
            return secret
        }
        if others == .stay, !Self.isName(name) { return nil }
        guard let value = environment[name] else { throw error("needs the environment variable \(name)") }
        return value
    }

    /// Whether a text can be the name of a variable, as shells have them.
    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9") ~= first) else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}
