#if AMQP

internal import DequeModule
internal import NIOCore

extension AMQPConnectionState {
    /// Handles one frame from the broker.
    mutating func handle(_ frame: Frame) throws(AMQPError) {
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
        guard Int(frame.channel) < channels.count, let channel = channels[Int(frame.channel)] else {
            if case .closing = phase { return }
            throw .violation("a frame for channel \(frame.channel), which is not open")
        }
        if channel.isClosing {
            if frame.kind == .method { try handleClosing(channel, try reader.read(frame.payload).1) }
            return
        }
        switch frame.kind {
        case .method:
            let (id, method) = try reader.read(frame.payload)
            guard channel.content.isIdle else { throw .violation("\(id.name) in the middle of a content") }
            try handleChannel(channel, id, method)
        case .header:
            if let content = try channel.content.header(frame.payload, pool: reader.pool) { try take(content, channel) }
        case .body:
            if let content = try channel.content.body(frame.payload) { try take(content, channel) }
        case .heartbeat: throw .violation("a heartbeat on channel \(frame.channel)")
        }
    }

    // MARK: Channel 0

    private mutating func handleConnection(_ id: MethodID, _ method: ServerMethod) throws(AMQPError) {
        switch phase {
        case .handshaking(var handshake):
            let action = try takeHandshake(&handshake, id, method)
            // The broker may have ended the connection with this method.
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
                actions.append(.cancel(.connect))
                actions.append(.opened)
            }
        case .open:
            switch method {
            case .connectionClose(let reason):
                endByServer(reason.error(.connectionClosedByServer, "The broker closed the connection"))
            case .connectionBlocked(let reason):
                blockedReason = reason
                actions.append(.log(.blocked(reason: reason)))
            case .connectionUnblocked:
                blockedReason = nil
                actions.append(.log(.unblocked))
                for case let channel? in channels { publishHeld(channel) }
            default: throw .violation("\(id.name) on an open connection")
            }
        case .closing:
            switch method {
            case .plain(.connectionCloseOk), .connectionClose: end(.connectionClosed)
            default: break
            }
        case .closed: break
        }
    }

    /// The handshake's next action; `nil` if the broker ended it.
    private mutating func takeHandshake(
        _ handshake: inout Handshake, _ id: MethodID, _ method: ServerMethod
    ) throws(AMQPError) -> Handshake.Action? {
        guard case .connectionClose = method else { return try handshake.receive(id, method) }
        do {
            _ = try handshake.receive(id, method)
        } catch {
            endByServer(error)
        }
        return nil
    }

    // MARK: Other channels

    /// Handles a method on a channel that we asked to close: only the reply matters, and a close that crosses it.
    private mutating func handleClosing(_ channel: ChannelState, _ method: ServerMethod) throws(AMQPError) {
        switch method {
        case .plain(.channelCloseOk):
            answer(channel.calls.popFirst()?.waiter, .method(method))
            endChannel(channel, .channelClosed)
        case .channelClose: try send(.channelCloseOk, channel: channel.id.number)
        default: break
        }
    }

    private mutating func handleChannel(_ channel: ChannelState, _ id: MethodID, _ method: ServerMethod)
        throws(AMQPError)
    {
        switch method {
        case .basicDeliver, .basicGetOk, .basicReturn:
            channel.content.begin(method)
        case .basicAck(let tag, let multiple):
            try confirm(channel, tag, multiple: multiple, as: .confirmed)
        case .basicNack(let tag, let multiple):
            try confirm(channel, tag, multiple: multiple, as: .nacked)
        case .basicCancel(let tag):
            if let consumer = channel.consumers.removeValue(forKey: tag) { deliver(consumer, last: .cancelled) }
        case .channelClose(let reason):
            try send(.channelCloseOk, channel: channel.id.number)
            endChannel(channel, reason.error(.channelClosedByServer, "The broker closed the channel"))
        case .channelFlow(let active):
            channel.isStopped = !active
            try send(.channelFlowOk(active: active), channel: channel.id.number)
            publishHeld(channel)
        default:
            try takeReply(channel, id, method)
        }
    }

    private mutating func takeReply(_ channel: ChannelState, _ id: MethodID, _ method: ServerMethod) throws(AMQPError) {
        let call = try takeCall(answeredBy: id, method, channel)
        switch (call.kind, method) {
        case (.open, _):
            if let waiter = call.waiter, waiters.isWaiting(waiter) {
                answer(waiter, .channel(channel.id))
            } else {
                beginClose(channel, waiter: nil)
            }
            return
        case (.consume(_, let noAck), .basicConsumeOk(let tag)):
            let isWanted = call.waiter.map { waiters.isWaiting($0) } ?? false
            channel.consumers[tag] = Consumer(noAck: noAck, owner: isWanted ? call.waiter : nil)
            if !isWanted {
                try send(.basicCancel(consumerTag: tag), channel: channel.id.number)
                channel.calls.append(PendingCall(kind: .cancel(consumerTag: tag), waiter: nil))
            }
        case (.cancel(let tag), _):
            if let consumer = channel.consumers.removeValue(forKey: tag) {
                deliver(consumer)
                if let owner = consumer.owner { actions.append(.dropConsumer(owner)) }
            }
        case (.reply, _), (.consume, _), (.get, _): break
        }
        answer(call.waiter, .method(method))
    }

    /// Takes the oldest call that a method answers. RabbitMQ's queues confirm a consumer and its end by themselves, so that
    /// its channel may have answered later calls before.
    private func takeCall(
        answeredBy id: MethodID, _ method: ServerMethod, _ channel: ChannelState
    ) throws(AMQPError) -> PendingCall {
        if channel.calls.isEmpty { throw .violation("\(id.name) without a request") }
        guard let index = channel.calls.firstIndex(where: { $0.kind.isAnswered(by: id, method) }) else {
            throw .violation("\(id.name) in answer to another method")
        }
        return channel.calls.remove(at: index)
    }

    private mutating func take(_ content: ContentAssembler.Content, _ channel: ChannelState) throws(AMQPError) {
        switch content.method {
        case .basicDeliver(let consumerTag, let deliveryTag, let redelivered, let exchange, let routingKey):
            let delivery = AMQPDelivery(
                consumerTag: consumerTag, deliveryTag: deliveryTag, redelivered: redelivered, exchange: exchange,
                routingKey: routingKey, message: content.message, defect: content.defect)
            try take(delivery, channel)
        case .basicGetOk(let deliveryTag, let redelivered, let exchange, let routingKey, let messageCount):
            let call = try takeCall(answeredBy: .basicGetOk, content.method, channel)
            guard case .get(let noAck) = call.kind else { return }
            try channel.window.delivered(deliveryTag, needsSettlement: !noAck)
            guard let waiter = call.waiter, waiters.isWaiting(waiter) else {
                if !noAck { settle(channel, .nack([deliveryTag], requeue: true)) }
                return
            }
            let delivery = AMQPDelivery(
                consumerTag: "", deliveryTag: deliveryTag, redelivered: redelivered, exchange: exchange,
                routingKey: routingKey, message: content.message, defect: content.defect,
                messagesBehind: Int(messageCount))
            answer(waiter, .message(delivery))
        case .basicReturn(let code, let text, let exchange, let routingKey):
            channel.confirms?.markReturned(
                exchange: exchange, routingKey: routingKey, message: content.message,
                .returned(code: code, text: text))
        default: break
        }
    }

    private mutating func take(_ delivery: AMQPDelivery, _ channel: ChannelState) throws(AMQPError) {
        guard let consumer = channel.consumers[delivery.consumerTag] else {
            throw .violation("a delivery for a consumer that does not exist")
        }
        try channel.window.delivered(delivery.deliveryTag, needsSettlement: !consumer.noAck)
        guard consumer.owner != nil else {
            if !consumer.noAck { settle(channel, .nack([delivery.deliveryTag], requeue: true)) }
            return
        }
        if consumer.take(delivery) { ready.append(consumer) }
    }
}

#endif
