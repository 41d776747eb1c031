#if Redis
public import NIOCore

/// A value that can be an argument of a ``RedisCommand``: text (as UTF-8), bytes, or a number (as its decimal text).
public protocol RedisArgument {
    /// Appends the value to a command as one argument.
    func append(to command: inout RedisCommand)
}

extension String: RedisArgument {
    /// Appends the text as UTF-8.
    public func append(to command: inout RedisCommand) { command.append(self) }
}

extension Substring: RedisArgument {
    /// Appends the text as UTF-8.
    public func append(to command: inout RedisCommand) { command.append(String(self)) }
}

extension Array: RedisArgument where Element == UInt8 {
    /// Appends the bytes as they are.
    public func append(to command: inout RedisCommand) { command.append(self) }
}

extension ArraySlice: RedisArgument where Element == UInt8 {
    /// Appends the bytes as they are.
    public func append(to command: inout RedisCommand) { withUnsafeBytes { command.append(bytes: $0) } }
}

extension ByteBuffer: RedisArgument {
    /// Appends the readable bytes as they are.
    public func append(to command: inout RedisCommand) { withUnsafeReadableBytes { command.append(bytes: $0) } }
}

extension Int: RedisArgument {
    /// Appends the number as decimal text.
    public func append(to command: inout RedisCommand) { command.append(self) }
}

extension Int64: RedisArgument {
    /// Appends the number as decimal text.
    public func append(to command: inout RedisCommand) { command.append(String(self)) }
}

extension Double: RedisArgument {
    /// Appends the shortest decimal text that reads back as the same number: what a sorted set's score is given as.
    public func append(to command: inout RedisCommand) { command.append(description) }
}
#endif
