#if Redis

/// An error reply of the server: a RESP line that begins with `-`.
public struct RedisServerError: Error, Sendable, Hashable {
    /// The error's first word, for instance `NOSCRIPT`, `WRONGTYPE`, `NOAUTH`; `ERR` where the line has no such word.
    public let code: String
    /// The line without its code, as the server wrote it. It may quote arguments of the command.
    public let message: String

    /// Creates an error from its parts.
    public init(code: String, message: String) {
        self.code = code
        self.message = message
    }

    /// Splits an error line (without the leading `-`) into code and message.
    init(line: String) {
        let word = line.utf8.prefix { $0 != UInt8(ascii: " ") }
        let isCode = !word.isEmpty && word.allSatisfy { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 }
        guard isCode, let code = String(word) else {
            self.init(code: "ERR", message: line)
            return
        }
        self.init(code: code, message: String(Substring(line.utf8.dropFirst(word.count + 1))))
    }
}

extension RedisServerError: CustomStringConvertible, CustomDebugStringConvertible {
    /// Code and message, without the arguments that Redis quotes for an unknown command.
    public var description: String {
        // "ERR unknown command 'X', with args beginning with: 'secret' …": arguments are user data.
        let marker = Array("with args beginning with".utf8)
        let bytes = Array(message.utf8)
        var end = 0
        while end < bytes.count, !bytes[end...].starts(with: marker) { end += 1 }
        let shown = end == bytes.count ? message : String(decoding: bytes[..<end], as: UTF8.self) + "…"
        return shown.isEmpty ? code : "\(code) \(shown)"
    }

    /// Code and whole message.
    public var debugDescription: String { message.isEmpty ? code : "\(code) \(message)" }
}
#endif
