#if AMQP

internal import DequeModule
internal import Logging
internal import NIOCore

extension AMQPConnection {
    /// Handles one frame of the broker.
    func handle(_ frame: Frame) throws(AMQPError) {
        guard frame.channel != 0 else {
            switch frame.kind {
            case .heartbeat: return
            case .method:
                let (id, method) = try reader.read(frame.payload)
                try handleConnection(id, method)
            case .header, .body: throw .violation("content on channel 0")
            }
            return
        }
        guard Int(frame.channel) < channels.count, let state = channels[Int(frame.channel)] else {
            if case .closing = phase { return }
            throw .violation("a frame for channel \(frame.channel), which is not open")
        }
        if state.isClosing {
            if frame.kind == .method { try handleClosing(state, try reader.read(frame.payload).1) }
            return
        }
        switch frame.kind {
        case .method:
            let (id, method) = try reader.read(frame.payload)
            guard state.content.isIdle else { throw .violation("\(id.name) in the middle of a content") }
            try handleChannel(state, id, method)
        case .header:
            if let content = try state.content.header(frame.payload, pool: reader.pool) { try take(content, state) }
        case .body:
            if let content = try state.content.body(frame.payload) { try take(content, state) }
        case .heartbeat: throw .violation("a heartbeat on channel \(frame.channel)")
        }
    }

    // MARK: Channel 0

    private func handleConnection(_ id: MethodID, _ method: ServerMethod) throws(AMQPError) {
        switch phase {
        case .handshaking(var handshake):
            let action = try takeHandshake(&handshake, id, method)
            // The broker may have ended the connection with it.
            guard let action else { return }
            phase = .handshaking(handshake)
            switch action {
            case .send(let methods):
                for method in methods { try send(method) }
            case .tune(let agreed, let methods):
                channelMax = agreed.channelMax
                splitter.maximumFrameSize = agreed.frameMax
                writer.frameMax = agreed.frameMax
                for method in methods { try send(method) }
                startHeartbeats(seconds: agreed.heartbeat)
            case .finished:
                server = handshake.server
                phase = .open
                phaseTimer?.cancel()
                logger.debug("AMQP connection open")
                opened?(nil)
                opened = nil
            }
        case .open:
            switch method {
            case .connectionClose(let reason):
                endedByServer(reason.error(.connectionClosedByServer, "The broker closed the connection"))
            case .connectionBlocked(let reason):
                blockedReason = reason
                logger.info("AMQP broker blocks publishes", metadata: [LogKey.reason: "\(reason)"])
            case .connectionUnblocked:
                blockedReason = nil
                logger.info("AMQP broker takes publishes again")
                for case let state? in channels { try publishHeld(state) }
            default: throw .violation("\(id.name) on an open connection")
            }
        case .closing:
            switch method {
            case .plain(.connectionCloseOk), .connectionClose: shutDown(.connectionClosed)
            default: break
            }
        case .closed: break
        }
    }

    /// The handshake's next action; `nil` when the broker ended it.
    private func takeHandshake(
        _ handshake: inout Handshake, _ id: MethodID, _ method: ServerMethod
    ) throws(AMQPError) -> Handshake.Action? {
        guard case .connectionClose = method else { return try handshake.receive(id, method) }
        do {
            _ = try handshake.receive(id, method)
        } catch {
            endedByServer(error)
        }
        return nil
    }

    private func endedByServer(_ error: AMQPError) {
        try? send(.connectionCloseOk)
        flush()
        shutDown(error)
    }

    // MARK: Other channels

    /// A channel that we asked to close: only the answer counts, and a close that crosses it.
    private func handleClosing(_ state: ChannelState, _ method: ServerMethod) throws(AMQPError) {
        switch method {
        case .plain(.channelCloseOk):
            state.calls.popFirst()?.waiter?.settle(.success(.method(method)))
            end(state, .channelClosed)
        case .channelClose: try send(.channelCloseOk, channel: state.handle.number)
        default: break
        }
    }

    private func handleChannel(_ state: ChannelState, _ id: MethodID, _ method: ServerMethod) throws(AMQPError) {
        switch method {
        case .basicDeliver, .basicGetOk, .basicReturn:
            state.content.begin(method)
        case .basicAck(let tag, let multiple):
            try settlePublishes(state, tag, multiple: multiple, as: .confirmed)
        case .basicNack(let tag, let multiple):
            try settlePublishes(state, tag, multiple: multiple, as: .nacked)
        case .basicCancel(let tag):
            state.consumers.removeValue(forKey: tag)?.deliver(last: .cancelled)
        case .channelClose(let reason):
            try send(.channelCloseOk, channel: state.handle.number)
            end(state, reason.error(.channelClosedByServer, "The broker closed the channel"))
        case .channelFlow(let active):
            state.isStopped = !active
            try send(.channelFlowOk(active: active), channel: state.handle.number)
            try publishHeld(state)
        default:
            try takeReply(state, id, method)
        }
    }

    private func takeReply(_ state: ChannelState, _ id: MethodID, _ method: ServerMethod) throws(AMQPError) {
        guard let call = state.calls.popFirst() else { throw .violation("\(id.name) that nobody asked for") }
        switch (call.kind, method) {
        case (.reply(let expected), _) where expected == id:
            break
        case (.consume(let noAck, let onEvents), .basicConsumeOk(let tag)):
            let isWanted = call.waiter?.isSettled == false
            state.consumers[tag] = Consumer(tag: tag, noAck: noAck, onEvents: isWanted ? onEvents : nil)
            if !isWanted {
                try send(.basicCancel(consumerTag: tag), channel: state.handle.number)
                state.calls.append(PendingCall(kind: .cancel(consumerTag: tag), waiter: nil))
            }
        case (.cancel(let tag), .plain(.basicCancelOk)):
            state.consumers.removeValue(forKey: tag)?.deliver()
        case (.get, .plain(.basicGetEmpty)):
            break
        default:
            throw .violation("\(id.name) in answer to another method")
        }
        call.waiter?.settle(.success(.method(method)))
    }

    private func take(_ content: ContentAssembler.Content, _ state: ChannelState) throws(AMQPError) {
        switch content.method {
        case .basicDeliver(let consumerTag, let deliveryTag, let redelivered, let exchange, let routingKey):
            let delivery = AMQPDelivery(
                consumerTag: consumerTag, deliveryTag: deliveryTag, redelivered: redelivered, exchange: exchange,
                routingKey: routingKey, message: content.message, defect: content.defect)
            try take(delivery, state)
        case .basicGetOk(let deliveryTag, let redelivered, let exchange, let routingKey, _):
            guard let call = state.calls.popFirst(), case .get(let noAck) = call.kind else {
                throw .violation("basic.get-ok that nobody asked for")
            }
            try state.window.delivered(deliveryTag, needsSettlement: !noAck)
            guard call.waiter?.isSettled == false else {
                if !noAck { settle(state, .nack([deliveryTag], requeue: true)) }
                return
            }
            let delivery = AMQPDelivery(
                consumerTag: "", deliveryTag: deliveryTag, redelivered: redelivered, exchange: exchange,
                routingKey: routingKey, message: content.message, defect: content.defect)
            call.waiter?.settle(.success(.message(delivery)))
        case .basicReturn(let code, let text, let exchange, let routingKey):
            state.confirms?.markReturned(
                exchange: exchange, routingKey: routingKey, message: content.message,
                .returned(code: code, text: text))
        default: break
        }
    }

    private func take(_ delivery: AMQPDelivery, _ state: ChannelState) throws(AMQPError) {
        guard let consumer = state.consumers[delivery.consumerTag] else {
            throw .violation("a delivery for a consumer that does not exist")
        }
        try state.window.delivered(delivery.deliveryTag, needsSettlement: !consumer.noAck)
        guard consumer.onEvents != nil else {
            if !consumer.noAck { settle(state, .nack([delivery.deliveryTag], requeue: true)) }
            return
        }
        if consumer.take(delivery) { ready.append(consumer) }
    }

    /// Hands every consumer the deliveries that have come.
    func deliver() {
        guard !ready.isEmpty else { return }
        let consumers = ready
        ready = []
        for consumer in consumers { consumer.deliver() }
    }
}

#endif
