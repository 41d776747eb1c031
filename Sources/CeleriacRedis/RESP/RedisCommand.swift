#if Redis
internal import NIOCore

/// One command with its arguments.
///
///     RedisCommand("SET", key, body, "EX", 86_400)
///
/// The arguments are kept in the form in which they are sent, each as a RESP bulk string, one after the other in a
/// single buffer: building a command costs one allocation and sending it one copy.
public struct RedisCommand: Sendable {
    /// The arguments as RESP bulk strings, without the array header in front of them.
    private var encoded: [UInt8]
    /// How many arguments ``encoded`` holds.
    public private(set) var argumentCount: Int
    /// The script that this command runs; then ``encoded`` starts behind the script's hash.
    let script: RedisScript?

    /// Creates a command from its name and arguments.
    ///
    /// Commands that change what the server sends on the connection (`SUBSCRIBE`, `MONITOR`, `CLIENT REPLY`, `HELLO`)
    /// do not belong into a pipeline; for subscriptions there is ``RedisPubSub``.
    public init(_ name: String, _ arguments: any RedisArgument...) {
        self.init(name, arguments: arguments)
    }

    /// Creates a command from its name and a list of arguments.
    public init(_ name: String, arguments: [any RedisArgument]) {
        self.init(script: nil)
        append(name)
        for argument in arguments { argument.append(to: &self) }
    }

    /// An empty command; a call of a script still needs its keys and arguments.
    init(script: RedisScript?) {
        encoded = []
        encoded.reserveCapacity(96)
        argumentCount = 0
        self.script = script
    }

    /// Appends text as one argument, as UTF-8.
    public mutating func append(_ text: String) {
        if text.utf8.withContiguousStorageIfAvailable({ append(bytes: $0) }) == nil {
            append(bytes: text.utf8)
        }
    }

    /// Appends bytes as one argument.
    public mutating func append(_ bytes: [UInt8]) {
        append(bytes: bytes)
    }

    /// Appends a number as one argument, as decimal text.
    public mutating func append(_ number: Int) {
        // Text of up to 15 bytes needs no allocation.
        append(String(number))
    }

    mutating func append(bytes: some Collection<UInt8>) {
        let count = bytes.count
        encoded.reserveCapacity(encoded.count + count + 24)
        encoded.append(UInt8(ascii: "$"))
        Self.appendDecimal(count, to: &encoded)
        encoded.append(contentsOf: bytes)
        encoded.append(UInt8(ascii: "\r"))
        encoded.append(UInt8(ascii: "\n"))
        argumentCount += 1
    }

    /// Appends a count and the end of its line.
    private static func appendDecimal(_ number: Int, to bytes: inout [UInt8]) {
        if number < 10 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number))
        } else {
            let start = bytes.count
            var rest = number
            while rest > 0 {
                bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
                rest /= 10
            }
            bytes[start...].reverse()
        }
        bytes.append(UInt8(ascii: "\r"))
        bytes.append(UInt8(ascii: "\n"))
    }
}

extension RedisCommand {
    /// How a command that runs a script names it.
    enum ScriptForm {
        /// `EVALSHA` and the hash.
        case hash
        /// `EVAL` and the source.
        case source
    }

    /// An upper bound of the bytes that the command takes on the wire.
    func wireSize(_ form: ScriptForm = .hash) -> Int {
        encoded.count + 16 + (script?.prefix(form).count ?? 0)
    }

    /// Writes the command as it is sent: a RESP array of bulk strings.
    func write(to buffer: inout ByteBuffer, _ form: ScriptForm = .hash) {
        let count = argumentCount + (script == nil ? 0 : 2)
        if count < 10 {
            // "*3\r\n" in one store.
            buffer.writeInteger(UInt32(0x2A30_0D0A) + UInt32(truncatingIfNeeded: count) << 16)
        } else {
            var header: [UInt8] = [UInt8(ascii: "*")]
            Self.appendDecimal(count, to: &header)
            buffer.writeBytes(header)
        }
        if let script { buffer.writeBytes(script.prefix(form)) }
        buffer.writeBytes(encoded)
    }
}

extension RedisCommand: CustomStringConvertible {
    /// The number of arguments. Their text is user data and is not shown.
    public var description: String {
        if let script { return "script \(script.name) (\(argumentCount) arguments)" }
        return "command (\(argumentCount) words)"
    }
}
#endif
