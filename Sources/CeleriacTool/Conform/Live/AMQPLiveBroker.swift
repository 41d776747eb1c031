#if AMQP
import CeleriacAMQP
import CeleriacWire
import Logging
import NIOPosix

/// A RabbitMQ broker of a live run.
actor AMQPLiveBroker: LiveBroker {
    private let client: AMQPClient
    private var channel: AMQPChannel?
    private var declared: Set<String> = []
    /// The queues by which exchanges are heard.
    private var listening: [String: String] = [:]

    /// Makes a client of a broker. It connects on first use.
    ///
    /// - Throws: `AMQPError` for a URL that cannot be used.
    init(url: String, logger: Logger) throws {
        client = AMQPClient(
            configurations: [try AMQPConfiguration(url: url)],
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger)
    }

    func close() async { await client.close() }

    func send(_ message: LiveMessage, to queue: String) async throws {
        // A worker that starts has not declared it yet.
        if declared.insert(queue).inserted { try await open().queueDeclare(queue) }
        try await publish(message, exchange: "", key: queue)
    }

    func broadcast(_ message: LiveMessage, exchange: String, key: String) async throws {
        try await publish(message, exchange: exchange, key: key)
    }

    func receive(_ queue: String, first: Bool) async throws -> WireValue? {
        do {
            return try await open().get(queue: queue, noAck: true).map { try Self.view($0) }
        } catch let error as AMQPError where error.replyCode == 404 {
            return nil
        }
    }

    func bind(_ queue: String, exchange: String, key: String) async throws {
        let channel = try await open()
        try await channel.exchangeDeclare(exchange, durable: false)
        try await channel.queueDeclare(queue, durable: false, exclusive: true)
        try await channel.queueBind(queue, exchange: exchange, routingKey: key)
    }

    func listen(to exchange: String) async throws {
        guard listening[exchange] == nil else { return }
        let channel = try await open()
        try await channel.exchangeDeclare(exchange, type: "topic")
        let queue = try await channel.queueDeclare(durable: false, exclusive: true)
        try await channel.queueBind(queue.name, exchange: exchange, routingKey: "#")
        listening[exchange] = queue.name
    }

    func hear(_ exchange: String) async throws -> WireValue? {
        guard let queue = listening[exchange] else { throw ConformanceError("nobody listens to \(exchange)") }
        return try await receive(queue, first: true)
    }

    func clear(_ queues: [String]) async throws {
        for queue in queues + listening.values.sorted() {
            do {
                try await open().queuePurge(queue)
            } catch let error as AMQPError where error.replyCode == 404 {
                continue
            }
        }
    }

    private func open() async throws -> AMQPChannel {
        if let channel, channel.isOpen { return channel }
        let opened = try await client.connection().openChannel()
        channel = opened
        return opened
    }

    private func publish(_ message: LiveMessage, exchange: String, key: String) async throws {
        let all = message.allProperties
        var properties = MessageProperties()
        properties.contentType = message.contentType
        properties.contentEncoding = message.contentEncoding
        properties.correlationID = all["correlation_id"]?.stringValue
        properties.replyTo = all["reply_to"]?.stringValue
        properties.deliveryMode = all["delivery_mode"]?.intValue.flatMap { UInt8(exactly: $0) }
        properties.priority = all["priority"]?.intValue.flatMap { UInt8(exactly: $0) }
        let sent = WireMessage(headers: message.headers, properties: properties, body: message.body)
        _ = try await open().publish([AMQPPublish(exchange: exchange, routingKey: key, message: sent)])
    }

    private static func view(_ delivery: AMQPDelivery) throws -> WireValue {
        let properties = delivery.message.properties
        var seen: WireObject = [:]
        if let id = properties.correlationID { seen["correlation_id"] = .string(id) }
        if let queue = properties.replyTo { seen["reply_to"] = .string(queue) }
        if let mode = properties.deliveryMode { seen["delivery_mode"] = .int(Int64(mode)) }
        if let priority = properties.priority { seen["priority"] = .int(Int64(priority)) }
        if let expiration = properties.expiration { seen["expiration"] = .string(expiration) }
        var message = LiveMessage(headers: delivery.message.headers, properties: seen, body: delivery.message.body)
        message.contentType = properties.contentType ?? ""
        message.contentEncoding = properties.contentEncoding ?? ""
        // The views of both brokers are the same but for what only an envelope has.
        return try LiveView.of(message.envelope(exchange: delivery.exchange, key: delivery.routingKey))
    }
}
#endif
