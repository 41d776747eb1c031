#if Redis
package import NIOCore

/// One command with its arguments.
///
///     RedisCommand("SET", key, body, "EX", 86_400)
///
/// The arguments are stored in their wire form, each as a RESP bulk string, back to back in a single buffer: building a
/// command costs one allocation, and sending it costs one copy.
package struct RedisCommand: Sendable {
    /// The arguments as RESP bulk strings, without the array header that precedes them.
    private(set) var encoded: [UInt8]
    /// How many arguments ``encoded`` holds.
    package private(set) var argumentCount: Int
    /// The script that this command runs. If there is one, ``encoded`` starts after the script's hash.
    let script: RedisScript?

    /// Creates a command from its name and arguments.
    ///
    /// Commands that change what the server sends on the connection (`SUBSCRIBE`, `MONITOR`, `CLIENT REPLY`, `HELLO`)
    /// do not belong in a pipeline. Use ``RedisPubSub`` for subscriptions.
    package init(_ name: String, _ arguments: any RedisArgument...) {
        self.init(name, arguments: arguments)
    }

    /// Creates a command from its name and a list of arguments.
    package init(_ name: String, arguments: [any RedisArgument]) {
        self.init(script: nil)
        append(name)
        for argument in arguments { argument.append(to: &self) }
    }

    /// Creates a command without arguments. A script call still needs its keys and arguments.
    init(script: RedisScript?) {
        encoded = []
        encoded.reserveCapacity(96)
        argumentCount = 0
        self.script = script
    }

    /// Appends text as one argument, encoded as UTF-8.
    package mutating func append(_ text: String) {
        var text = text
        text.withUTF8 { append(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Appends bytes as one argument.
    package mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append(bytes: $0) }
    }

    /// Appends a number as one argument, as decimal text.
    package mutating func append(_ number: Int) {
        // Text of up to 15 bytes needs no allocation.
        append(String(number))
    }

    mutating func append(bytes: UnsafeRawBufferPointer) {
        // "$", at most 19 digits and two line endings.
        encoded.append(addingCapacity: bytes.count + 24) { output in
            output.append(UInt8(ascii: "$"))
            var divisor = 1
            while bytes.count / divisor >= 10 { divisor *= 10 }
            while divisor > 0 {
                output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: bytes.count / divisor % 10))
                divisor /= 10
            }
            output.append(UInt8(ascii: "\r"))
            output.append(UInt8(ascii: "\n"))
            output.withUnsafeMutableBufferPointer { buffer, count in
                UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
                    .copyMemory(from: bytes)
                count += bytes.count
            }
            output.append(UInt8(ascii: "\r"))
            output.append(UInt8(ascii: "\n"))
        }
        argumentCount += 1
    }
}

extension RedisCommand {
    /// The way a command names its script.
    enum ScriptForm {
        /// `EVALSHA` and the hash.
        case hash
        /// `EVAL` and the source.
        case source
    }

    /// An upper bound of the command's size on the wire, in bytes.
    func wireSize(_ form: ScriptForm = .hash) -> Int {
        encoded.count + 16 + (script?.prefix(form).count ?? 0)
    }

    /// Writes the command in its wire form: a RESP array of bulk strings.
    func write(to buffer: inout ByteBuffer, _ form: ScriptForm = .hash) {
        let count = argumentCount + (script == nil ? 0 : 2)
        if count < 10 {
            // This writes "*3\r
            // " in one store.
            buffer.writeInteger(UInt32(0x2A30_0D0A) + UInt32(truncatingIfNeeded: count) << 16)
        } else {
            buffer.writeString("*\(count)\r\n")
        }
        if let script { buffer.writeBytes(script.prefix(form)) }
        buffer.writeBytes(encoded)
    }
}

extension RedisCommand: CustomStringConvertible {
    /// The number of arguments. Their text is user data and is not shown.
    package var description: String {
        if let script { return "script \(script.name) (\(argumentCount) arguments)" }
        return "command (\(argumentCount) words)"
    }
}

/// A value that can be an argument of a ``RedisCommand``: text (as UTF-8), bytes, or a number (as its decimal text).
package protocol RedisArgument {
    /// Appends the value to a command as one argument.
    func append(to command: inout RedisCommand)
}

extension String: RedisArgument {
    /// Appends the text as UTF-8.
    package func append(to command: inout RedisCommand) { command.append(self) }
}

extension Substring: RedisArgument {
    /// Appends the text as UTF-8.
    package func append(to command: inout RedisCommand) { command.append(String(self)) }
}

extension Array: RedisArgument where Element == UInt8 {
    /// Appends the bytes as they are.
    package func append(to command: inout RedisCommand) { command.append(self) }
}

extension ArraySlice: RedisArgument where Element == UInt8 {
    /// Appends the bytes as they are.
    package func append(to command: inout RedisCommand) { withUnsafeBytes { command.append(bytes: $0) } }
}

extension ByteBuffer: RedisArgument {
    /// Appends the readable bytes as they are.
    package func append(to command: inout RedisCommand) { withUnsafeReadableBytes { command.append(bytes: $0) } }
}

extension Int: RedisArgument {
    /// Appends the number as decimal text.
    package func append(to command: inout RedisCommand) { command.append(self) }
}

extension Int64: RedisArgument {
    /// Appends the number as decimal text.
    package func append(to command: inout RedisCommand) { command.append(String(self)) }
}

extension Double: RedisArgument {
    /// Appends the shortest decimal text that parses back to the same number, the form of a sorted set's score.
    package func append(to command: inout RedisCommand) { command.append(description) }
}
#endif
