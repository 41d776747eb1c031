#if Redis

/// A reply of the server, in RESP2.
public enum RedisValue: Sendable, Hashable {
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
    /// An error line: `-…`. It stands for one command of a pipeline; the others are not touched by it.
    indirect case error(RedisServerError)
}

extension RedisValue {
    /// Whether this is ``null``.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The bytes of a bulk string or status line, otherwise `nil`.
    public var bytes: [UInt8]? {
        switch self {
        case .bulk(let bytes): bytes
        case .status(let line): Array(line.utf8)
        case .null, .integer, .array, .error: nil
        }
    }

    /// The text of a status line, or of a bulk string that is valid UTF-8, otherwise `nil`.
    public var string: String? {
        switch self {
        case .bulk(let bytes): String(validating: bytes, as: UTF8.self)
        case .status(let line): line
        case .null, .integer, .array, .error: nil
        }
    }

    /// The number of an integer reply, or of a bulk string that is a decimal integer, otherwise `nil`.
    public var int: Int? {
        switch self {
        case .integer(let number): Int(exactly: number)
        case .bulk(let bytes): Int(String(decoding: bytes, as: UTF8.self))
        case .null, .status, .array, .error: nil
        }
    }

    /// The elements of an array, otherwise `nil`.
    public var array: [RedisValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The error of an error line, otherwise `nil`.
    public var error: RedisServerError? {
        if case .error(let error) = self { error } else { nil }
    }
}
#endif
