#if AMQP

internal import CeleriacWire
internal import DequeModule
internal import NIOCore

/// A connection's shared confirm channels, one of each kind. Each is opened when it is first needed, and reopened after
/// it was closed.
struct SharedChannels {
    enum Kind: Sendable {
        /// The channel for the default exchange, which always exists.
        case toQueues
        /// The channel for named exchanges. A publish to a missing exchange makes the broker close the channel, which
        /// fails everything in flight on it.
        case toExchanges
    }

    struct Shared {
        var channel: ChannelID?
        /// The callers that wait for the channel to open.
        var waiters: [WaiterID] = []
    }

    private var toQueues = Shared()
    private var toExchanges = Shared()

    subscript(kind: Kind) -> Shared {
        get {
            switch kind {
            case .toQueues: toQueues
            case .toExchanges: toExchanges
            }
        }
        set {
            switch kind {
            case .toQueues: toQueues = newValue
            case .toExchanges: toExchanges = newValue
            }
        }
    }
}

extension AMQPConnectionState {
    // MARK: Opening

    /// Opens a channel for a caller; the answer is the channel's id.
    mutating func openChannel(confirms: Bool, for waiter: WaiterID, now: NIODeadline) -> [ConnectionAction] {
        self.now = now
        wait(waiter, for: "channel.open")
        beginChannel(confirms: confirms, waiter: waiter)
        return takeActions()
    }

    /// The shared channel of a kind, if it is open.
    func sharedChannel(_ kind: SharedChannels.Kind) -> ChannelID? {
        shared[kind].channel.flatMap { isOpen($0) ? $0 : nil }
    }

    /// Requests the shared channel of a kind for a caller; the first request opens it.
    mutating func openSharedChannel(
        _ kind: SharedChannels.Kind, for waiter: WaiterID, now: NIODeadline
    ) -> [ConnectionAction] {
        self.now = now
        wait(waiter, for: "channel.open")
        shared[kind].waiters.append(waiter)
        if shared[kind].waiters.count == 1 {
            let opening = makeWaiterID()
            wait(opening, for: "channel.open", opens: kind)
            beginChannel(confirms: true, waiter: opening)
        }
        return takeActions()
    }

    /// Picks a free number and sends `channel.open`, followed by `confirm.select` if requested.
    private mutating func beginChannel(confirms: Bool, waiter: WaiterID) {
        do throws(AMQPError) {
            if case .closed(let error) = phase { throw error.withNothingSent() }
            guard isOpen else { throw .connectionClosed.withNothingSent() }
            guard let number = freeNumber() else {
                throw AMQPError(
                    .channelLimit, "This connection has no free channel (its limit is \(channelMax)); close some.",
                    nothingSent: true)
            }
            lastChannelSerial += 1
            let channel = ChannelState(
                id: ChannelID(number: number, serial: lastChannelSerial),
                maximumBodySize: configuration.maximumBodySize)
            channels[Int(number)] = channel
            try send(.channelOpen, channel: number)
            if confirms {
                channel.confirms = ConfirmLedger()
                channel.calls.append(PendingCall(kind: .reply(.channelOpenOk), waiter: nil))
                try send(.confirmSelect, channel: number)
                channel.calls.append(PendingCall(kind: .open(.confirmSelectOk), waiter: waiter))
            } else {
                channel.calls.append(PendingCall(kind: .open(.channelOpenOk), waiter: waiter))
            }
        } catch {
            fail(waiter, error)
        }
    }

    private mutating func freeNumber() -> UInt16? {
        if let free = channels.indices.dropFirst().first(where: { channels[$0] == nil }) {
            return UInt16(exactly: free)
        }
        guard let next = UInt16(exactly: channels.count), next <= channelMax else { return nil }
        channels.append(nil)
        return next
    }

    // MARK: Closing

    /// Closes a channel for a caller. The driver has already passed on the channel's settlements.
    mutating func closeChannel(_ id: ChannelID, for waiter: WaiterID, now: NIODeadline) -> [ConnectionAction] {
        self.now = now
        deliverReady()
        wait(waiter, for: "channel.close")
        if let channel = channel(id), !channel.isClosing {
            beginClose(channel, waiter: waiter)
        } else {
            fail(waiter, .channelClosed.withNothingSent())
        }
        return takeActions()
    }

    /// Sends `channel.close`, and answers all waiting calls on the channel.
    mutating func beginClose(_ channel: ChannelState, waiter: WaiterID?) {
        try? send(.channelClose(code: 200, text: "closed"), channel: channel.id.number)
        failAll(channel, .channelClosed)
        channel.isClosing = true
        channel.calls = [PendingCall(kind: .reply(.channelCloseOk), waiter: waiter)]
    }

    /// Ends a channel: answers all waiting calls on it, and frees its number.
    mutating func endChannel(_ channel: ChannelState, _ error: AMQPError) {
        channels[Int(channel.id.number)] = nil
        failAll(channel, error)
    }

    private mutating func failAll(_ channel: ChannelState, _ error: AMQPError) {
        // This comes first, so that callers find the channel closed when they get their answers.
        if !channel.isClosing { actions.append(.channelEnded(channel.id, error)) }
        let consumers = channel.consumers.values
        channel.consumers = [:]
        for consumer in consumers { deliver(consumer, last: .closed(error)) }
        let calls = channel.calls
        channel.calls = []
        for call in calls { fail(call.waiter, error) }
        for batch in channel.confirms?.removeAll() ?? [] { fail(batch.waiter, error) }
        let held = channel.held
        channel.held = []
        for batch in held { fail(batch.waiter, error) }
    }

    // MARK: Looking up

    func channel(_ id: ChannelID) -> ChannelState? {
        let index = Int(id.number)
        guard index < channels.count, let channel = channels[index], channel.id == id else { return nil }
        return channel
    }

    /// Whether a channel can be used.
    func isOpen(_ id: ChannelID) -> Bool { channel(id).map { !$0.isClosing } ?? false }

    /// The state of a channel that can be used.
    func usable(_ id: ChannelID) throws(AMQPError) -> ChannelState {
        guard let channel = channel(id), !channel.isClosing else { throw .channelClosed.withNothingSent() }
        return channel
    }

    // MARK: Methods with an answer

    /// Sends a method for a caller, which waits for the reply.
    mutating func call(
        _ method: ClientMethod, _ operation: String, _ kind: PendingCall.Kind, on id: ChannelID, for waiter: WaiterID,
        now: NIODeadline
    ) -> [ConnectionAction] {
        self.now = now
        wait(waiter, for: operation)
        do throws(AMQPError) {
            let channel = try usable(id)
            try send(method, channel: id.number)
            // The broker counts publishes from here on; its reply precedes any confirm.
            if case .confirmSelect = method, channel.confirms == nil { channel.confirms = ConfirmLedger() }
            channel.calls.append(PendingCall(kind: kind, waiter: waiter))
        } catch {
            fail(waiter, error)
        }
        return takeActions()
    }

    // MARK: Consumers

    /// Passes this read's deliveries to their consumers.
    mutating func deliverReady() {
        guard !ready.isEmpty else { return }
        let consumers = ready
        ready = []
        for consumer in consumers { deliver(consumer) }
    }

    mutating func deliver(_ consumer: Consumer, last: AMQPConsumerEvent? = nil) {
        let events = consumer.takeEvents(last: last)
        guard let owner = consumer.owner else { return }
        if !events.isEmpty { actions.append(.deliver(events, to: owner)) }
        if last != nil { actions.append(.dropConsumer(owner)) }
    }
}

#endif
