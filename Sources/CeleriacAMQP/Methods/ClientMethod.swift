#if AMQP

internal import CRabbitMQ
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

/// Lays out one method's arguments for librabbitmq in the pool's memory, and adds up an upper bound of their encoded
/// size.
struct MethodArguments {
    /// Makes librabbitmq encode the arguments into the given bytes. Returns a negative number if they do not fit.
    typealias Encode = (amqp_bytes_t) -> Int32

    let pool: CodecPool
    private var size = 0

    init(pool: CodecPool) {
        self.pool = pool
    }

    /// Lays out `method` and passes on its id, an upper bound of its encoded size, and the function that encodes it.
    mutating func encode(
        _ method: ClientMethod, frame: (MethodID, Int, Encode) throws(AMQPError) -> Void
    ) throws(AMQPError) {
        switch method {
        case .connectionStartOk(let properties, let mechanism, let response):
            let arguments = amqp_connection_start_ok_t(
                client_properties: try table(properties), mechanism: try short(mechanism, "mechanism"),
                response: try long(response), locale: try short("en_US", "locale"))
            try emit(.connectionStartOk, arguments, frame)
        case .connectionTuneOk(let channelMax, let frameMax, let heartbeat):
            let arguments = amqp_connection_tune_ok_t(
                channel_max: channelMax, frame_max: frameMax, heartbeat: heartbeat)
            try emit(.connectionTuneOk, arguments, frame)
        case .connectionOpen(let virtualHost):
            var arguments = amqp_connection_open_t()
            arguments.virtual_host = try short(virtualHost, "virtual host")
            try emit(.connectionOpen, arguments, frame)
        case .connectionClose(let code, let text):
            let arguments = amqp_connection_close_t(
                reply_code: code, reply_text: try short(text, "reply text"), class_id: 0, method_id: 0)
            try emit(.connectionClose, arguments, frame)
        case .connectionCloseOk: try emit(.connectionCloseOk, amqp_connection_close_ok_t(), frame)
        case .channelOpen: try emit(.channelOpen, amqp_channel_open_t(), frame)
        case .channelFlowOk(let active):
            try emit(.channelFlowOk, amqp_channel_flow_ok_t(active: active.flag), frame)
        case .channelClose(let code, let text):
            let arguments = amqp_channel_close_t(
                reply_code: code, reply_text: try short(text, "reply text"), class_id: 0, method_id: 0)
            try emit(.channelClose, arguments, frame)
        case .channelCloseOk: try emit(.channelCloseOk, amqp_channel_close_ok_t(), frame)
        case .confirmSelect: try emit(.confirmSelect, amqp_confirm_select_t(), frame)
        case .exchangeDeclare, .exchangeDelete, .exchangeBind, .exchangeUnbind:
            try encodeExchange(method, frame)
        case .queueDeclare, .queueBind, .queueUnbind, .queuePurge, .queueDelete:
            try encodeQueue(method, frame)
        case .basicQos, .basicConsume, .basicCancel, .basicPublish, .basicGet, .basicAck, .basicReject, .basicNack:
            try encodeBasic(method, frame)
        }
    }

    private mutating func encodeExchange(
        _ method: ClientMethod, _ frame: (MethodID, Int, Encode) throws(AMQPError) -> Void
    ) throws(AMQPError) {
        switch method {
        case .exchangeDeclare(
            let exchange, let type, let passive, let durable, let autoDelete, let isInternal, let more):
            let arguments = amqp_exchange_declare_t(
                ticket: 0, exchange: try short(exchange, "exchange"), type: try short(type, "exchange type"),
                passive: passive.flag, durable: durable.flag, auto_delete: autoDelete.flag,
                internal: isInternal.flag, nowait: 0, arguments: try table(more))
            try emit(.exchangeDeclare, arguments, frame)
        case .exchangeDelete(let exchange, let ifUnused):
            let arguments = amqp_exchange_delete_t(
                ticket: 0, exchange: try short(exchange, "exchange"), if_unused: ifUnused.flag, nowait: 0)
            try emit(.exchangeDelete, arguments, frame)
        case .exchangeBind(let destination, let source, let routingKey, let more):
            let arguments = amqp_exchange_bind_t(
                ticket: 0, destination: try short(destination, "exchange"), source: try short(source, "exchange"),
                routing_key: try short(routingKey, "routing key"), nowait: 0, arguments: try table(more))
            try emit(.exchangeBind, arguments, frame)
        case .exchangeUnbind(let destination, let source, let routingKey, let more):
            let arguments = amqp_exchange_unbind_t(
                ticket: 0, destination: try short(destination, "exchange"), source: try short(source, "exchange"),
                routing_key: try short(routingKey, "routing key"), nowait: 0, arguments: try table(more))
            try emit(.exchangeUnbind, arguments, frame)
        default: break
        }
    }

    private mutating func encodeQueue(
        _ method: ClientMethod, _ frame: (MethodID, Int, Encode) throws(AMQPError) -> Void
    ) throws(AMQPError) {
        switch method {
        case .queueDeclare(let queue, let passive, let durable, let exclusive, let autoDelete, let more):
            let arguments = amqp_queue_declare_t(
                ticket: 0, queue: try short(queue, "queue"), passive: passive.flag, durable: durable.flag,
                exclusive: exclusive.flag, auto_delete: autoDelete.flag, nowait: 0, arguments: try table(more))
            try emit(.queueDeclare, arguments, frame)
        case .queueBind(let queue, let exchange, let routingKey, let more):
            let arguments = amqp_queue_bind_t(
                ticket: 0, queue: try short(queue, "queue"), exchange: try short(exchange, "exchange"),
                routing_key: try short(routingKey, "routing key"), nowait: 0, arguments: try table(more))
            try emit(.queueBind, arguments, frame)
        case .queueUnbind(let queue, let exchange, let routingKey, let more):
            let arguments = amqp_queue_unbind_t(
                ticket: 0, queue: try short(queue, "queue"), exchange: try short(exchange, "exchange"),
                routing_key: try short(routingKey, "routing key"), arguments: try table(more))
            try emit(.queueUnbind, arguments, frame)
        case .queuePurge(let queue):
            let arguments = amqp_queue_purge_t(ticket: 0, queue: try short(queue, "queue"), nowait: 0)
            try emit(.queuePurge, arguments, frame)
        case .queueDelete(let queue, let ifUnused, let ifEmpty):
            let arguments = amqp_queue_delete_t(
                ticket: 0, queue: try short(queue, "queue"), if_unused: ifUnused.flag, if_empty: ifEmpty.flag,
                nowait: 0)
            try emit(.queueDelete, arguments, frame)
        default: break
        }
    }

    private mutating func encodeBasic(
        _ method: ClientMethod, _ frame: (MethodID, Int, Encode) throws(AMQPError) -> Void
    ) throws(AMQPError) {
        switch method {
        case .basicQos(let prefetchCount, let global):
            let arguments = amqp_basic_qos_t(prefetch_size: 0, prefetch_count: prefetchCount, global: global.flag)
            try emit(.basicQos, arguments, frame)
        case .basicConsume(let queue, let consumerTag, let noAck, let exclusive, let more):
            let arguments = amqp_basic_consume_t(
                ticket: 0, queue: try short(queue, "queue"), consumer_tag: try short(consumerTag, "consumer tag"),
                no_local: 0, no_ack: noAck.flag, exclusive: exclusive.flag, nowait: 0, arguments: try table(more))
            try emit(.basicConsume, arguments, frame)
        case .basicCancel(let consumerTag):
            let arguments = amqp_basic_cancel_t(consumer_tag: try short(consumerTag, "consumer tag"), nowait: 0)
            try emit(.basicCancel, arguments, frame)
        case .basicPublish(let exchange, let routingKey, let mandatory):
            let arguments = amqp_basic_publish_t(
                ticket: 0, exchange: try short(exchange, "exchange"),
                routing_key: try short(routingKey, "routing key"), mandatory: mandatory.flag, immediate: 0)
            try emit(.basicPublish, arguments, frame)
        case .basicGet(let queue, let noAck):
            let arguments = amqp_basic_get_t(ticket: 0, queue: try short(queue, "queue"), no_ack: noAck.flag)
            try emit(.basicGet, arguments, frame)
        case .basicAck(let deliveryTag, let multiple):
            try emit(.basicAck, amqp_basic_ack_t(delivery_tag: deliveryTag, multiple: multiple.flag), frame)
        case .basicReject(let deliveryTag, let requeue):
            try emit(.basicReject, amqp_basic_reject_t(delivery_tag: deliveryTag, requeue: requeue.flag), frame)
        case .basicNack(let deliveryTag, let multiple, let requeue):
            let arguments = amqp_basic_nack_t(
                delivery_tag: deliveryTag, multiple: multiple.flag, requeue: requeue.flag)
            try emit(.basicNack, arguments, frame)
        default: break
        }
    }

    /// It is mutating, so that the compiler refuses arguments that are laid out while `size` is being read.
    private mutating func emit<Arguments: BitwiseCopyable>(
        _ id: MethodID, _ arguments: Arguments, _ frame: (MethodID, Int, Encode) throws(AMQPError) -> Void
    ) throws(AMQPError) {
        var arguments = arguments
        // Numbers and flags take no more space on the wire than in the structure; `size` covers the rest.
        try frame(id, size + MemoryLayout<Arguments>.size) { amqp_encode_method(id.rawValue, &arguments, $0) }
    }

    private mutating func short(_ text: String, _ name: StaticString) throws(AMQPError) -> amqp_bytes_t {
        let bytes = try pool.copyShort(text, name)
        size += bytes.len
        return bytes
    }

    private mutating func long(_ bytes: [UInt8]) throws(AMQPError) -> amqp_bytes_t {
        size += bytes.count
        return try pool.copy(bytes)
    }

    private mutating func table(_ object: WireObject) throws(AMQPError) -> amqp_table_t {
        let (table, tableSize) = try FieldTable.table(object, in: pool)
        size += tableSize
        return table
    }
}

extension Bool {
    /// The value as librabbitmq's Boolean type.
    fileprivate var flag: amqp_boolean_t { self ? 1 : 0 }
}

#endif
