#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacWire
import CeleryWire
import Logging
import NIOConcurrencyHelpers

/// Remote control and events over RabbitMQ. They have a separate connection, so that the worker answers while its main
/// connection is busy.
final class CeleryAMQPMailbox: ControlMailbox {
    private let exchanges: ControlExchanges
    private let client: AMQPClient
    private let logger: Logger

    init(broker: CeleryAMQPBroker, exchanges: ControlExchanges) {
        self.exchanges = exchanges
        self.logger = broker.logger
        self.client = AMQPClient(
            configurations: broker.reading, eventLoopGroup: broker.eventLoopGroup, logger: broker.logger)
    }

    func run(
        until stopping: Gate, onOpen: @escaping @Sendable () -> Void,
        receive: @escaping @Sendable (Result<WireMessage, MessageFault>) -> Void
    ) async {
        let isTaken = NIOLockedValueBox(false)
        let session = AMQPConsumerSession(
            client: client, setup: { [self] channel throws(AMQPError) in try await declare(on: channel) },
            onEvent: { [logger, exchanges] event in
                switch event {
                case .up:
                    onOpen()
                    let wasTaken = isTaken.withLockedValue { isTaken in
                        defer { isTaken = false }
                        return isTaken
                    }
                    if wasTaken {
                        logger.info(
                            "the node name is free: this worker answers remote control",
                            metadata: ["mailbox": "\(exchanges.inbox)"])
                    }
                case .down(let error):
                    if stopping.isOpen { return }
                    if error.isOfAnother || error.replyCode == 541 { onOpen() }
                    if error.isOfAnother {
                        let isNew = isTaken.withLockedValue { isTaken in
                            defer { isTaken = true }
                            return !isTaken
                        }
                        return logger.log(
                            level: isNew ? .error : .debug,
                            "another worker has this node name: this one does not answer remote control",
                            metadata: ["mailbox": "\(exchanges.inbox)"])
                    }
                    if error.code == .deprecatedFeature {
                        return logger.error(
                            "the broker permits no such queue of remote control; leave control_queue_exclusive on",
                            metadata: ["mailbox": "\(exchanges.inbox)", "error": "\(error)"])
                    }
                    logger.warning("remote control is out of reach, trying again", metadata: ["error": "\(error)"])
                case .deliveries(let deliveries, _):
                    for delivery in deliveries { receive(delivery.content) }
                }
            })
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await session.run() }
            await stopping.wait()
            // The queue is deleted with its connection.
            group.cancelAll()
        }
    }

    /// Declares everything as kombu 5.7 does. RabbitMQ would refuse other flags for what a Python worker has declared.
    private func declare(on channel: AMQPChannel) async throws(AMQPError) -> [AMQPConsumption] {
        try await declareExchanges(on: channel)
        try await channel.declareRequests(exchanges)
        try await channel.declareInbox(exchanges, boundTo: exchanges.requests)
        return [AMQPConsumption(queue: exchanges.inbox, noAck: true)]
    }

    private func declareExchanges(on channel: AMQPChannel) async throws(AMQPError) {
        try await channel.exchangeDeclare(exchanges.events, type: "topic", durable: true)
        try await channel.declareReplies(exchanges)
    }

    func publish(_ messages: [OutgoingMessage]) async throws {
        let messages = messages.map {
            AMQPPublish(exchange: $0.exchange, routingKey: $0.routingKey, message: $0.message)
        }
        do {
            try await attempt(messages)
        } catch {
            guard error.code == .channelClosedByServer, error.replyCode == 404 else { throw error }
            // Events may be sent before anybody has declared their exchange.
            let channel = try await client.connection().openChannel(confirms: false)
            try await declareExchanges(on: channel)
            await channel.close()
            try await attempt(messages)
        }
    }

    private func attempt(_ messages: [AMQPPublish]) async throws(AMQPError) {
        for outcome in try await client.publish(messages) { if let error = outcome.error { throw error } }
    }

    func close() async {
        await client.close()
    }
}

extension AMQPChannel {
    func declareRequests(_ exchanges: ControlExchanges) async throws(AMQPError) {
        try await exchangeDeclare(exchanges.requests, type: "fanout", durable: false)
    }

    func declareReplies(_ exchanges: ControlExchanges) async throws(AMQPError) {
        try await exchangeDeclare(exchanges.replies, type: "direct", durable: false)
    }

    /// Declares the queue of a worker or a client, as kombu 5.7 does.
    func declareInbox(
        _ exchanges: ControlExchanges, boundTo exchange: String, routingKey: String = ""
    ) async throws(AMQPError) {
        try await declareInbox(
            exchanges.inbox, expiry: exchanges.inboxExpiry, messageLifetime: exchanges.messageLifetime,
            isExclusive: exchanges.isInboxExclusive, isDurable: exchanges.isInboxDurable)
        try await queueBind(exchanges.inbox, exchange: exchange, routingKey: routingKey)
    }

    /// Declares a queue of remote control or of events, as kombu 5.7 does.
    func declareInbox(
        _ name: String, expiry: Duration?, messageLifetime: Duration?, isExclusive: Bool, isDurable: Bool
    ) async throws(AMQPError) {
        var arguments: WireObject = [:]
        if let expiry { arguments["x-expires"] = .int(expiry.brokerMilliseconds) }
        if let messageLifetime { arguments["x-message-ttl"] = .int(messageLifetime.brokerMilliseconds) }
        try await queueDeclare(
            name, durable: isDurable, exclusive: isExclusive, autoDelete: !isDurable, arguments: arguments)
    }
}

extension AMQPDelivery {
    /// A message of remote control, or why it cannot be read.
    var content: Result<WireMessage, MessageFault> {
        defect.map { .failure(MessageFault(reason: "undecodableProperties", detail: $0.reason)) } ?? .success(message)
    }
}
#endif
