#if AMQP

internal import CeleriacWire

/// A method that this client sends.
enum ClientMethod {
    case connectionStartOk(properties: WireObject, mechanism: String, response: [UInt8])
    case connectionTuneOk(channelMax: UInt16, frameMax: UInt32, heartbeat: UInt16)
    case connectionOpen(virtualHost: String)
    case connectionClose(code: UInt16, text: String)
    case connectionCloseOk
    case channelOpen
    case channelFlowOk(active: Bool)
    case channelClose(code: UInt16, text: String)
    case channelCloseOk
    case exchangeDeclare(
        exchange: String, type: String, passive: Bool, durable: Bool, autoDelete: Bool, isInternal: Bool,
        arguments: WireObject)
    case exchangeDelete(exchange: String, ifUnused: Bool)
    case exchangeBind(destination: String, source: String, routingKey: String, arguments: WireObject)
    case exchangeUnbind(destination: String, source: String, routingKey: String, arguments: WireObject)
    case queueDeclare(
        queue: String, passive: Bool, durable: Bool, exclusive: Bool, autoDelete: Bool, arguments: WireObject)
    case queueBind(queue: String, exchange: String, routingKey: String, arguments: WireObject)
    case queueUnbind(queue: String, exchange: String, routingKey: String, arguments: WireObject)
    case queuePurge(queue: String)
    case queueDelete(queue: String, ifUnused: Bool, ifEmpty: Bool)
    case basicQos(prefetchCount: UInt16, global: Bool)
    case basicConsume(queue: String, consumerTag: String, noAck: Bool, exclusive: Bool, arguments: WireObject)
    case basicCancel(consumerTag: String)
    case basicPublish(exchange: String, routingKey: String, mandatory: Bool)
    case basicGet(queue: String, noAck: Bool)
    case basicAck(deliveryTag: UInt64, multiple: Bool)
    case basicReject(deliveryTag: UInt64, requeue: Bool)
    case basicNack(deliveryTag: UInt64, multiple: Bool, requeue: Bool)
    case confirmSelect
}

#endif
