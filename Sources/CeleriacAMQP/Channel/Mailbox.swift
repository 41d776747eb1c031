#if AMQP

/// What any thread tells a channel, and may know of it: settlements on their way to the event loop, and its end.
struct Mailbox: Sendable {
    private var settlements: [ChannelSettlement] = []
    /// Why the channel is closed, if it is.
    private(set) var closure: AMQPError?
    private var closeHandlers: [@Sendable (AMQPError) -> Void] = []

    /// Adds a settlement; of a closed channel it is dropped, because the broker has requeued the delivery.
    ///
    /// - Returns: Whether the event loop has to be told.
    mutating func add(_ settlement: ChannelSettlement) -> Bool {
        guard closure == nil else { return false }
        settlements.append(settlement)
        return settlements.count == 1
    }

    mutating func takeAll() -> [ChannelSettlement] {
        defer { settlements = [] }
        return settlements
    }

    /// Adds a handler for the end.
    ///
    /// - Returns: Why the channel is closed; the handler is not kept then.
    mutating func addCloseHandler(_ handler: @escaping @Sendable (AMQPError) -> Void) -> AMQPError? {
        if closure == nil { closeHandlers.append(handler) }
        return closure
    }

    /// Records the end, once.
    ///
    /// - Returns: The handlers to call.
    mutating func close(_ error: AMQPError) -> [@Sendable (AMQPError) -> Void] {
        guard closure == nil else { return [] }
        closure = error
        settlements = []
        defer { closeHandlers = [] }
        return closeHandlers
    }
}

#endif
