#if Redis
/// A reply of the server, in RESP2.
package enum RedisValue: Sendable, Hashable {
    /// No value: `$-1` or `*-1`.
    case null
    /// An integer: `:…`.
    case integer(Int64)
    /// A status line: `+OK`.
    case status(String)
    /// A binary-safe string: `$…`.
    case bulk([UInt8])
    /// An array: `*…`.
    case array([RedisValue])
    /// An error line: `-…`. It belongs to one command of a pipeline and does not affect the others.
    indirect case error(RedisServerError)
}

extension RedisValue {
    /// Whether this is ``null``.
    package var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The bytes of a bulk string or status line; otherwise `nil`.
    package var bytes: [UInt8]? {
        switch self {
        case .bulk(let bytes): bytes
        case .status(let line): Array(line.utf8)
        case .null, .integer, .array, .error: nil
        }
    }

    /// The text of a status line, or of a bulk string that is valid UTF-8; otherwise `nil`.
    package var string: String? {
        switch self {
        case .bulk(let bytes): String(validating: bytes, as: UTF8.self)
        case .status(let line): line
        case .null, .integer, .array, .error: nil
        }
    }

    /// The number of an integer reply, or of a bulk string that is a decimal integer; otherwise `nil`.
    package var int: Int? {
        switch self {
        case .integer(let number): Int(exactly: number)
        case .bulk(let bytes): Int(String(decoding: bytes, as: UTF8.self))
        case .null, .status, .array, .error: nil
        }
    }

    /// The elements of an array; otherwise `nil`.
    package var array: [RedisValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The error of an error line; otherwise `nil`.
    package var error: RedisServerError? {
        if case .error(let error) = self { error } else { nil }
    }
}

extension Result where Success == [RedisValue], Failure == any Error {
    /// Why commands failed: what kept them from the server, or the first error that it answered; nil if all were done.
    package var refusal: (any Error)? {
        switch self {
        case .success(let replies): replies.lazy.compactMap(\.error).first
        case .failure(let error): error
        }
    }
}

/// An error reply from the server: a RESP line that begins with `-`.
package struct RedisServerError: Error, Sendable, Hashable {
    /// The error's first word, for example `NOSCRIPT`, `WRONGTYPE`, `NOAUTH`; `ERR` if the line has no such word.
    package let code: String
    /// The line without its code, as the server wrote it. It may quote the command's arguments.
    package let message: String

    /// Creates an error from its parts.
    package init(code: String, message: String) {
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
    package var description: String {
        // "ERR unknown command 'X', with args beginning with: 'secret' …": the arguments are user data.
        let marker = Array("with args beginning with".utf8)
        let bytes = Array(message.utf8)
        var end = 0
        while end < bytes.count, !bytes[end...].starts(with: marker) { end += 1 }
        let shown = end == bytes.count ? message : String(decoding: bytes[..<end], as: UTF8.self) + "…"
        return shown.isEmpty ? code : "\(code) \(shown)"
    }

    /// The code and the whole message.
    package var debugDescription: String { message.isEmpty ? code : "\(code) \(message)" }
}

extension RedisServerError {
    /// The errors of a server that is loading, full, without its replicas or its disk, busy with a script, or that
    /// became a replica. The command itself is valid and may succeed later.
    private static let temporaryCodes: Set<Substring> = [
        "READONLY", "MISCONF", "NOREPLICAS", "BUSY", "OOM", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "LOADING",
        "UNKILLABLE", "UNBLOCKED", "NOAUTH",
    ]
    /// The errors of a server that no longer takes writes because it became a replica, or that no longer knows the
    /// login.
    private static let departingCodes: Set<Substring> = ["READONLY", "MASTERDOWN", "UNBLOCKED", "NOAUTH"]

    /// Whether the same command may succeed later.
    package var isTemporary: Bool { has(Self.temporaryCodes) }

    /// Whether the server's access list keeps the user from the command itself, or from one that its script calls. Redis
    /// before 7 says the latter without a code.
    package var isRefusalOfCommand: Bool {
        let message = message.lowercased()
        guard code == "NOPERM" || message.contains("the user executing the script can't") else { return false }
        return message.contains("permissions to run") || message.contains("can't run this command")
    }

    /// Whether the connection must be replaced: the server's name may lead to another server by now.
    var endsConnection: Bool { has(Self.departingCodes) }

    private func has(_ codes: Set<Substring>) -> Bool {
        if codes.contains(Substring(code)) { return true }
        // Redis before 7 wraps what a script ran into: "ERR Error running script (call to f_…): @user_script:1: OOM …".
        guard message.hasPrefix("Error running script") else { return false }
        return message.split(separator: ": ").dropFirst().contains { part in
            let word = part.drop { $0 == "-" }.prefix { $0 != " " }
            return codes.contains(word)
        }
    }
}
#endif
