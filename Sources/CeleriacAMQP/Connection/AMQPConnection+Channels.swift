#if AMQP

internal import NIOConcurrencyHelpers
internal import CeleriacWire
internal import DequeModule
internal import Synchronization

extension AMQPConnection {
    // MARK: Opening and closing

    /// Takes a free number and sends `channel.open`, with `confirm.select` right after it if asked for; the waiter gets
    /// the channel with the last answer.
    func beginChannel(confirms: Bool, waiter: Waiter) throws(AMQPError) {
        if case .closed(let error) = phase { throw error.withNothingSent() }
        guard case .open = phase else { throw .connectionClosed.withNothingSent() }
        guard let number = freeNumber() else {
            throw AMQPError(
                .channelLimit, "All \(channelMax) channels of this connection are in use; close some.",
                nothingSent: true)
        }
        let handle = AMQPChannel(connection: self, number: number)
        let state = ChannelState(handle: handle, maximumBodySize: configuration.maximumBodySize)
        channels[Int(number)] = state
        let last = Waiter(id: waiter.id, deadline: waiter.deadline, operation: waiter.operation) { result in
            if waiter.isSettled, case .success = result {
                self.abandon(state)
            } else {
                waiter.settle(result.map { _ in .channel(handle) })
            }
        }
        try send(.channelOpen, channel: number)
        if confirms {
            state.confirms = ConfirmLedger()
            state.calls.append(PendingCall(kind: .reply(.channelOpenOk), waiter: nil))
            try send(.confirmSelect, channel: number)
            state.calls.append(PendingCall(kind: .reply(.confirmSelectOk), waiter: last))
        } else {
            state.calls.append(PendingCall(kind: .reply(.channelOpenOk), waiter: last))
        }
    }

    private func freeNumber() -> UInt16? {
        if let free = channels.indices.dropFirst().first(where: { channels[$0] == nil }) {
            return UInt16(exactly: free)
        }
        guard let next = UInt16(exactly: channels.count), next <= channelMax else { return nil }
        channels.append(nil)
        return next
    }

    /// Closes a channel that nobody waited for.
    private func abandon(_ state: ChannelState) {
        guard current(state.handle) != nil, !state.isClosing else { return }
        beginClose(state, waiter: nil)
    }

    func closeChannel(_ handle: AMQPChannel) async {
        guard let state = current(handle), !state.isClosing else { return }
        drainSettlements(state)
        deliver()
        // Not cancelled with the task: a channel is often closed by a task that was.
        await withCheckedContinuation { continuation in
            beginClose(state, waiter: callback("channel.close") { _ in continuation.resume() })
        }
    }

    /// Sends `channel.close`, and tells everyone who waits on the channel.
    private func beginClose(_ state: ChannelState, waiter: Waiter?) {
        try? send(.channelClose(code: 200, text: "closed"), channel: state.handle.number)
        failAll(state, .channelClosed)
        state.isClosing = true
        state.calls = [PendingCall(kind: .reply(.channelCloseOk), waiter: waiter)]
    }

    /// Ends a channel: everyone who waits on it is told, and its number is free.
    func end(_ state: ChannelState, _ error: AMQPError) {
        channels[Int(state.handle.number)] = nil
        failAll(state, error)
    }

    private func failAll(_ state: ChannelState, _ error: AMQPError) {
        let handlers = state.handle.mailbox.withLockedValue { $0.close(error) }
        let consumers = state.consumers.values
        state.consumers = [:]
        for consumer in consumers { consumer.deliver(last: .closed(error)) }
        let calls = state.calls
        state.calls = []
        for call in calls { call.waiter?.fail(error) }
        for batch in state.confirms?.removeAll() ?? [] { batch.waiter.fail(error) }
        let held = state.held
        state.held = []
        for batch in held { batch.waiter.fail(error) }
        for handler in handlers { handler(error) }
    }

    func current(_ handle: AMQPChannel) -> ChannelState? {
        let index = Int(handle.number)
        guard index < channels.count, let state = channels[index], state.handle === handle else { return nil }
        return state
    }

    /// The state of a channel that can be used.
    func open(_ handle: AMQPChannel) throws(AMQPError) -> ChannelState {
        guard let state = current(handle), !state.isClosing else {
            throw (handle.closure ?? .channelClosed).withNothingSent()
        }
        return state
    }

    // MARK: Methods with an answer

    /// Sends a method and waits for its answer.
    func call(
        _ handle: AMQPChannel, _ method: ClientMethod, _ operation: String, _ kind: PendingCall.Kind
    ) async throws(AMQPError) -> Waiter.Answer {
        try await answer(operation) { (waiter) throws(AMQPError) in
            let state = try open(handle)
            try send(method, channel: handle.number)
            state.calls.append(PendingCall(kind: kind, waiter: waiter))
        }
    }

    func selectConfirms(_ handle: AMQPChannel) async throws(AMQPError) {
        _ = try await answer("confirm.select") { (waiter) throws(AMQPError) in
            let state = try open(handle)
            try send(.confirmSelect, channel: handle.number)
            // From here on the broker counts publishes; its answer comes before any confirm.
            if state.confirms == nil { state.confirms = ConfirmLedger() }
            state.calls.append(PendingCall(kind: .reply(.confirmSelectOk), waiter: waiter))
        }
    }
}

#endif
