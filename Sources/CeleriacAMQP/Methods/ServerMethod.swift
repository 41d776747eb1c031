#if AMQP

internal import CRabbitMQ
internal import CeleriacWire

/// A method that the broker may send to a client.
enum ServerMethod: Equatable {
    case connectionStart(version: [UInt8], properties: WireObject, mechanisms: [String])
    case connectionSecure
    case connectionTune(channelMax: UInt16, frameMax: UInt32, heartbeat: UInt16)
    case connectionClose(CloseReason)
    case connectionBlocked(reason: String)
    case connectionUnblocked
    case channelFlow(active: Bool)
    case channelClose(CloseReason)
    case queueDeclareOk(queue: String, messageCount: UInt32, consumerCount: UInt32)
    case queuePurgeOk(messageCount: UInt32)
    case queueDeleteOk(messageCount: UInt32)
    case basicConsumeOk(consumerTag: String)
    case basicCancel(consumerTag: String)
    case basicCancelOk(consumerTag: String)
    case basicReturn(code: UInt16, text: String, exchange: String, routingKey: String)
    case basicDeliver(
        consumerTag: String, deliveryTag: UInt64, redelivered: Bool, exchange: String, routingKey: String)
    case basicGetOk(
        deliveryTag: UInt64, redelivered: Bool, exchange: String, routingKey: String, messageCount: UInt32)
    case basicAck(deliveryTag: UInt64, multiple: Bool)
    case basicNack(deliveryTag: UInt64, multiple: Bool)
    /// A method without arguments that matter: an `-ok`, or `basic.get-empty`.
    case plain(MethodID)
}

/// Why the broker closed a channel or a connection.
struct CloseReason: Equatable {
    let code: UInt16
    let text: String
    /// The method that the broker blames, if any.
    let method: String?

    /// The error for all waiting calls.
    func error(_ code: AMQPError.Code, _ message: String) -> AMQPError {
        AMQPError(code, message, replyCode: self.code, replyText: text, method: method)
    }
}

/// Decodes the payload of method frames with librabbitmq.
struct MethodReader {
    let pool: CodecPool

    /// Decodes a method that a broker may send to a client. Any other method is a violation and is not decoded.
    func read(_ payload: UnsafeRawBufferPointer) throws(AMQPError) -> (MethodID, ServerMethod) {
        guard payload.count >= 4 else { throw .violation("a method frame of \(payload.count) bytes") }
        let number = UInt32(bigEndian: payload.loadUnaligned(as: UInt32.self))
        guard let id = MethodID(rawValue: number) else { throw .violation("a method of unknown number \(number)") }
        let arguments = UnsafeRawBufferPointer(rebasing: payload[4...])
        defer { pool.recycle() }
        return (id, try read(id, arguments))
    }

    private func read(_ id: MethodID, _ payload: UnsafeRawBufferPointer) throws(AMQPError) -> ServerMethod {
        switch id {
        case .connectionStart:
            // This is the only method with a table that a broker sends: two octets, then the table.
            guard payload.count > 2 else { throw .violation("\(id.name) is cut off") }
            _ = try TableInspector.endOfTable(in: payload, at: 2)
            let method = try decode(id, payload, as: amqp_connection_start_t.self)
            return .connectionStart(
                version: [method.version_major, method.version_minor],
                properties: try FieldTable.object(method.server_properties),
                mechanisms: text(method.mechanisms).split(separator: " ").map(String.init))
        case .connectionSecure: return .connectionSecure
        case .connectionTune:
            let method = try decode(id, payload, as: amqp_connection_tune_t.self)
            return .connectionTune(
                channelMax: method.channel_max, frameMax: method.frame_max, heartbeat: method.heartbeat)
        case .connectionClose:
            let method = try decode(id, payload, as: amqp_connection_close_t.self)
            return .connectionClose(
                closeReason(method.reply_code, method.reply_text, method.class_id, method.method_id))
        case .connectionBlocked:
            return .connectionBlocked(
                reason: text(try decode(id, payload, as: amqp_connection_blocked_t.self).reason))
        case .connectionUnblocked: return .connectionUnblocked
        case .channelFlow:
            return .channelFlow(active: try decode(id, payload, as: amqp_channel_flow_t.self).active != 0)
        case .channelClose:
            let method = try decode(id, payload, as: amqp_channel_close_t.self)
            return .channelClose(closeReason(method.reply_code, method.reply_text, method.class_id, method.method_id))
        case .queueDeclareOk:
            let method = try decode(id, payload, as: amqp_queue_declare_ok_t.self)
            return .queueDeclareOk(
                queue: text(method.queue), messageCount: method.message_count, consumerCount: method.consumer_count)
        case .queuePurgeOk:
            return .queuePurgeOk(messageCount: try decode(id, payload, as: amqp_queue_purge_ok_t.self).message_count)
        case .queueDeleteOk:
            return .queueDeleteOk(
                messageCount: try decode(id, payload, as: amqp_queue_delete_ok_t.self).message_count)
        case .basicConsumeOk:
            return .basicConsumeOk(
                consumerTag: text(try decode(id, payload, as: amqp_basic_consume_ok_t.self).consumer_tag))
        case .basicCancel:
            return .basicCancel(
                consumerTag: text(try decode(id, payload, as: amqp_basic_cancel_t.self).consumer_tag))
        case .basicCancelOk:
            return .basicCancelOk(
                consumerTag: text(try decode(id, payload, as: amqp_basic_cancel_ok_t.self).consumer_tag))
        case .basicReturn:
            let method = try decode(id, payload, as: amqp_basic_return_t.self)
            return .basicReturn(
                code: method.reply_code, text: text(method.reply_text), exchange: text(method.exchange),
                routingKey: text(method.routing_key))
        case .basicDeliver:
            let method = try decode(id, payload, as: amqp_basic_deliver_t.self)
            return .basicDeliver(
                consumerTag: text(method.consumer_tag), deliveryTag: method.delivery_tag,
                redelivered: method.redelivered != 0, exchange: text(method.exchange),
                routingKey: text(method.routing_key))
        case .basicGetOk:
            let method = try decode(id, payload, as: amqp_basic_get_ok_t.self)
            return .basicGetOk(
                deliveryTag: method.delivery_tag, redelivered: method.redelivered != 0,
                exchange: text(method.exchange), routingKey: text(method.routing_key),
                messageCount: method.message_count)
        case .basicAck:
            let method = try decode(id, payload, as: amqp_basic_ack_t.self)
            return .basicAck(deliveryTag: method.delivery_tag, multiple: method.multiple != 0)
        case .basicNack:
            let method = try decode(id, payload, as: amqp_basic_nack_t.self)
            return .basicNack(deliveryTag: method.delivery_tag, multiple: method.multiple != 0)
        case .connectionOpenOk, .connectionCloseOk, .channelOpenOk, .channelCloseOk, .exchangeDeclareOk,
            .exchangeDeleteOk, .exchangeBindOk, .exchangeUnbindOk, .queueBindOk, .queueUnbindOk, .basicQosOk,
            .basicGetEmpty, .confirmSelectOk:
            return .plain(id)
        case .connectionStartOk, .connectionTuneOk, .connectionOpen, .channelOpen, .channelFlowOk, .exchangeDeclare,
            .exchangeDelete, .exchangeBind, .exchangeUnbind, .queueDeclare, .queueBind, .queuePurge, .queueDelete,
            .queueUnbind, .basicQos, .basicConsume, .basicPublish, .basicGet, .basicReject, .confirmSelect:
            throw .violation("a broker does not send \(id.name)")
        }
    }

    /// Makes librabbitmq decode the arguments. The resulting strings point into `payload`, the structures into the
    /// pool.
    private func decode<T: BitwiseCopyable>(
        _ id: MethodID, _ payload: UnsafeRawBufferPointer, as type: T.Type
    ) throws(AMQPError) -> T {
        var decoded: UnsafeMutableRawPointer?
        let bytes = amqp_bytes_t(len: payload.count, bytes: UnsafeMutableRawPointer(mutating: payload.baseAddress))
        guard amqp_decode_method(id.rawValue, pool.pool, bytes, &decoded) >= 0, let decoded else {
            throw .violation("\(id.name) is cut off")
        }
        return decoded.load(as: T.self)
    }

    /// Names and reply texts are UTF-8. If a peer sends other bytes, they are repaired rather than refused.
    private func text(_ bytes: amqp_bytes_t) -> String {
        String(decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }

    private func closeReason(
        _ code: UInt16, _ replyText: amqp_bytes_t, _ classID: UInt16, _ methodID: UInt16
    ) -> CloseReason {
        let blamed = UInt32(classID) << 16 | UInt32(methodID)
        return CloseReason(code: code, text: text(replyText), method: MethodID(rawValue: blamed)?.name)
    }
}

#endif
