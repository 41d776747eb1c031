#if AMQP

internal import NIOConcurrencyHelpers
internal import NIOCore

/// A caller that waits for an answer from the connection's state.
enum Caller {
    case answer(CheckedContinuation<Result<ConnectionAction.Answer, AMQPError>, Never>)
    case channel(CheckedContinuation<Result<AMQPChannel, AMQPError>, Never>)

    func fail(_ error: AMQPError) {
        switch self {
        case .answer(let continuation): continuation.resume(returning: .failure(error))
        case .channel(let continuation): continuation.resume(returning: .failure(error))
        }
    }
}

extension AMQPConnection {
    // MARK: Channels

    /// The shared confirm channel of a kind, opened now if it is not open.
    func publisherChannel(_ kind: SharedChannels.Kind) async throws(AMQPError) -> AMQPChannel {
        if let id = state.sharedChannel(kind), let channel = channels[id.number] { return channel }
        return try await channel { state, waiter in state.openSharedChannel(kind, for: waiter, now: .now()) }
    }

    /// Waits for the channel that `begin` requests from the state.
    func channel(
        _ begin: (inout AMQPConnectionState, WaiterID) -> [ConnectionAction]
    ) async throws(AMQPError) -> AMQPChannel {
        let id = state.makeWaiterID()
        let result: Result<AMQPChannel, AMQPError> = await withTaskCancellationHandler {
            await withCheckedContinuation { self.begin(id, .channel($0), begin) }
        } onCancel: {
            cancelWait(id)
        }
        return try result.get()
    }

    func closeChannel(_ channel: AMQPChannel) async {
        guard state.isOpen(channel.id) else { return }
        drainSettlements(of: channel)
        // Cancelling the task does not cancel this, since cancelled tasks often close their channels.
        let id = state.makeWaiterID()
        let patience = state.closePatience(at: .now())
        var timeout: Scheduled<Void>?
        defer { timeout?.cancel() }
        _ = await withCheckedContinuation { continuation in
            callers[id] = .answer(continuation)
            obey(state.closeChannel(channel.id, for: id, now: .now()))
            // Not before somebody waits: it may be over at once.
            timeout = eventLoop.scheduleTask(in: patience) { self.cancelWait(id) }
        }
    }

    /// Passes on the settlements that the users of a channel have made since the last time.
    func drainSettlements(of channel: AMQPChannel) {
        let settlements = channel.mailbox.withLockedValue { $0.takeAll() }
        if !settlements.isEmpty { obey(state.settle(settlements, on: channel.id, now: .now())) }
    }

    // MARK: Calls

    /// Waits until the broker has handled everything that was sent on a channel before, settlements included.
    func synchronize(_ channel: AMQPChannel) async throws(AMQPError) {
        drainSettlements(of: channel)
        // The broker answers in order. AMQP has it ignore that there is no such consumer.
        let tag = "celeriac.none"
        _ = try await call(
            channel, .basicCancel(consumerTag: tag), MethodID.basicCancel.name, .cancel(consumerTag: tag))
    }

    /// Sends a method on a channel and waits for the reply.
    func call(
        _ channel: AMQPChannel, _ method: ClientMethod, _ operation: String, _ kind: PendingCall.Kind
    ) async throws(AMQPError) -> ConnectionAction.Answer {
        try await answer(on: channel) { state, waiter in
            state.call(method, operation, kind, on: channel.id, for: waiter, now: .now())
        }
    }

    func publish(_ messages: [AMQPPublish], on channel: AMQPChannel) async throws(AMQPError) -> [AMQPPublishOutcome] {
        let answer = try await answer(on: channel) { state, waiter in
            state.publish(messages, on: channel.id, for: waiter, now: .now())
        }
        guard case .outcomes(let outcomes) = answer else { return [] }
        return outcomes
    }

    /// Starts a consumer. The state identifies it by the caller that starts it.
    func consume(
        _ channel: AMQPChannel, _ method: ClientMethod, consumerTag: String, noAck: Bool,
        onEvents: @escaping @Sendable ([AMQPConsumerEvent]) -> Void
    ) async throws(AMQPError) -> ConnectionAction.Answer {
        var consumer: WaiterID?
        do throws(AMQPError) {
            return try await answer(on: channel) { state, waiter in
                consumer = waiter
                consumers[waiter] = onEvents
                return state.call(
                    method, MethodID.basicConsume.name, .consume(consumerTag: consumerTag, noAck: noAck),
                    on: channel.id, for: waiter,
                    now: .now())
            }
        } catch {
            if let consumer { consumers[consumer] = nil }
            throw error
        }
    }

    /// Waits for the answer to the input that `begin` passes to the state.
    ///
    /// The wait fails after the configuration's `replyTimeout`, when the task is cancelled, and when the channel or the
    /// connection ends.
    private func answer(
        on channel: AMQPChannel, _ begin: (inout AMQPConnectionState, WaiterID) -> [ConnectionAction]
    ) async throws(AMQPError) -> ConnectionAction.Answer {
        if let closure = channel.closure { throw closure.withNothingSent() }
        let id = state.makeWaiterID()
        let result: Result<ConnectionAction.Answer, AMQPError> = await withTaskCancellationHandler {
            await withCheckedContinuation { self.begin(id, .answer($0), begin) }
        } onCancel: {
            cancelWait(id)
        }
        return try result.get()
    }

    private func begin(
        _ id: WaiterID, _ caller: Caller, _ input: (inout AMQPConnectionState, WaiterID) -> [ConnectionAction]
    ) {
        if Task.isCancelled {
            caller.fail(.cancelled.withNothingSent())
            return
        }
        callers[id] = caller
        obey(input(&state, id))
    }

    private nonisolated func cancelWait(_ id: WaiterID) {
        // This runs after the job that adds the caller, which may be in progress on the event loop.
        eventLoop.execute { self.assumeIsolated { $0.obey($0.state.cancelWait(id)) } }
    }

    // MARK: Conveniences

    /// Opens a channel without confirms, and closes it after `body`.
    package nonisolated func withChannel<Value: Sendable>(
        _ body: (AMQPChannel) async throws(AMQPError) -> Value
    ) async throws(AMQPError) -> Value {
        let channel = try await openChannel(confirms: false)
        do throws(AMQPError) {
            let value = try await body(channel)
            await channel.close()
            return value
        } catch {
            await channel.close()
            throw error
        }
    }

    /// Whether a queue exists, whatever its arguments.
    package nonisolated func hasQueue(_ queue: String) async throws(AMQPError) -> Bool {
        do {
            try await withChannel { channel throws(AMQPError) in
                _ = try await channel.queueDeclare(queue, passive: true)
            }
            return true
        } catch {
            guard error.code == .channelClosedByServer, error.replyCode == 404 else { throw error }
            return false
        }
    }
}

#endif
