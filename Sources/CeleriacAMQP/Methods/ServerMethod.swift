#if AMQP

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
    case basicReturn(code: UInt16, text: String, exchange: String, routingKey: String)
    case basicDeliver(
        consumerTag: String, deliveryTag: UInt64, redelivered: Bool, exchange: String, routingKey: String)
    case basicGetOk(
        deliveryTag: UInt64, redelivered: Bool, exchange: String, routingKey: String, messageCount: UInt32)
    case basicAck(deliveryTag: UInt64, multiple: Bool)
    case basicNack(deliveryTag: UInt64, multiple: Bool)
    /// A method that says nothing but that it came: an `-ok`, or `basic.get-empty`.
    case plain(MethodID)
}

#endif
