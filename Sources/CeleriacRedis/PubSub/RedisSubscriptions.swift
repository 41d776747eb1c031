#if Redis
internal import DequeModule
internal import NIOCore

/// The subscriptions of a pub/sub connection, and the calls that wait for a confirmation.
///
/// It does no I/O and reads no clock. `Waiter` stands for a caller. The server confirms each channel of a command in
/// order, or refuses the whole command with one error.
struct RedisSubscriptions<Waiter> {
    /// A command that changes the subscriptions.
    enum Kind: String {
        case subscribe
        case unsubscribe
        case psubscribe
        case punsubscribe
    }

    /// Input from the server.
    enum Event {
        case message(RedisPubSubMessage)
        /// The server confirmed a channel, and more confirmations will follow.
        case progress
        case confirmed(Waiter)
        case refused(Waiter, RedisServerError)
        /// All subscriptions from before the loss of the connection are active again.
        case resubscribed
        case pong
    }

    private struct Operation {
        let kind: Kind
        let names: [String]
        var deadline: NIODeadline
        /// The latest possible deadline, however often connections are made and lost.
        let limit: NIODeadline
        /// The caller; `nil` for the renewal of subscriptions after a loss.
        let waiter: Waiter?
        var confirmed = 0

        var command: RedisCommand { RedisCommand(kind.rawValue, arguments: names) }
    }

    private var channels: Set<String> = []
    private var patterns: Set<String> = []
    private var operations: Deque<Operation> = []
    private var isConnected = false

    /// Whether there is no use for a connection.
    var isEmpty: Bool { channels.isEmpty && patterns.isEmpty && operations.isEmpty }

    /// The earliest deadline of all operations.
    var earliestDeadline: NIODeadline? { operations.lazy.map(\.deadline).min() }

    /// Starts a change.
    ///
    /// - Parameters:
    ///   - kind: The change.
    ///   - names: The channels or patterns, at least one.
    ///   - deadline: The deadline for the confirmation, or without a connection for there to be one.
    ///   - limit: The deadline for the confirmation if the connection is made only later.
    ///   - waiter: The caller.
    /// - Returns: The command to send; `nil` if it is kept until there is a connection.
    mutating func begin(
        _ kind: Kind, _ names: [String], deadline: NIODeadline, limit: NIODeadline, waiter: Waiter
    ) -> RedisCommand? {
        let operation = Operation(kind: kind, names: names, deadline: deadline, limit: limit, waiter: waiter)
        operations.append(operation)
        return isConnected ? operation.command : nil
    }

    /// Processes a new connection.
    ///
    /// - Parameter deadline: The deadline for the confirmation of everything sent now.
    /// - Returns: The commands to send: first the existing subscriptions, then the waiting changes.
    mutating func connected(deadline: NIODeadline) -> [RedisCommand] {
        isConnected = true
        for index in operations.indices { operations[index].deadline = min(deadline, operations[index].limit) }
        for (kind, names) in [(Kind.psubscribe, patterns), (.subscribe, channels)] where !names.isEmpty {
            operations.prepend(
                Operation(kind: kind, names: Array(names), deadline: deadline, limit: deadline, waiter: nil))
        }
        return operations.map(\.command)
    }

    /// Processes the loss of the connection. Callers continue to wait for the next one.
    mutating func disconnected() {
        isConnected = false
        operations.filter { $0.waiter == nil }.forEach { giveUp($0) }
        operations.removeAll { $0.waiter == nil }
        for index in operations.indices { operations[index].confirmed = 0 }
    }

    /// Gives up the calls that have waited too long.
    ///
    /// - Returns: Their waiters, and whether the connection, if there is one, is out of step and must be closed.
    mutating func expire(now: NIODeadline) -> (waiters: [Waiter], mustClose: Bool) {
        let late = operations.filter { $0.deadline <= now }
        guard !late.isEmpty else { return ([], false) }
        operations.removeAll { $0.deadline <= now }
        late.forEach { giveUp($0) }
        return (late.compactMap(\.waiter), isConnected)
    }

    /// Gives up all waiting calls while there is no connection. The subscriptions stay.
    ///
    /// - Returns: All waiters.
    mutating func removeWaiters() -> [Waiter] {
        operations.forEach { giveUp($0) }
        defer { operations = [] }
        return operations.compactMap(\.waiter)
    }

    /// Gives up an operation. Channels that nobody wants any more are not renewed with the next connection, whatever
    /// happened to the command.
    private mutating func giveUp(_ operation: Operation) {
        switch operation.kind {
        case .unsubscribe: channels.subtract(operation.names)
        case .punsubscribe: patterns.subtract(operation.names)
        case .subscribe, .psubscribe: break
        }
    }

    /// Processes the next reply from the server.
    ///
    /// - Throws: `protocolViolation`; `server` if the server refuses to renew the subscriptions.
    mutating func receive(_ reply: RedisValue) throws(RedisError) -> Event {
        switch reply {
        case .array(let parts):
            guard case .bulk(let kind)? = parts.first else { break }
            switch (kind.count, parts.count) {
            case (7, 3) where kind == Word.message:
                return .message(RedisPubSubMessage(channel: try Self.text(parts[1]), value: parts[2]))
            case (8, 4) where kind == Word.pmessage:
                return .message(
                    RedisPubSubMessage(
                        channel: try Self.text(parts[2]), pattern: try Self.text(parts[1]), value: parts[3]))
            case (4, 2) where kind == Word.pong:
                return .pong
            case (_, 3):
                return try confirm(kind, parts[1])
            default:
                break
            }
        case .status("PONG"):
            return .pong
        case .error(let error):
            guard let operation = operations.popFirst() else { break }
            guard let waiter = operation.waiter else {
                throw RedisError(.server, "The server refused to renew a subscription.", serverError: error)
            }
            return .refused(waiter, error)
        case .null, .integer, .bulk, .status:
            break
        }
        throw RedisError(
            .protocolViolation, "The server sent neither a message nor the confirmation of a subscription.",
            serverError: reply.error)
    }

    private mutating func confirm(_ kind: [UInt8], _ name: RedisValue) throws(RedisError) -> Event {
        guard !operations.isEmpty, kind.elementsEqual(operations[0].kind.rawValue.utf8),
            case .bulk(let bytes) = name
        else {
            throw RedisError(.protocolViolation, "The server confirmed a subscription that was not requested.")
        }
        let expected = operations[0].names[operations[0].confirmed]
        guard bytes.elementsEqual(expected.utf8) else {
            throw RedisError(.protocolViolation, "The server confirmed a subscription other than the requested one.")
        }
        operations[0].confirmed += 1
        guard operations[0].confirmed == operations[0].names.count else { return .progress }
        let operation = operations.removeFirst()
        switch operation.kind {
        case .subscribe: channels.formUnion(operation.names)
        case .unsubscribe: channels.subtract(operation.names)
        case .psubscribe: patterns.formUnion(operation.names)
        case .punsubscribe: patterns.subtract(operation.names)
        }
        if let waiter = operation.waiter { return .confirmed(waiter) }
        return operations.first.map { $0.waiter == nil } == true ? .progress : .resubscribed
    }

    private static func text(_ value: RedisValue) throws(RedisError) -> String {
        guard case .bulk(let bytes) = value else {
            throw RedisError(.protocolViolation, "The server sent a message without a channel.")
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

private enum Word {
    static let message = Array("message".utf8)
    static let pmessage = Array("pmessage".utf8)
    static let pong = Array("pong".utf8)
}
#endif
