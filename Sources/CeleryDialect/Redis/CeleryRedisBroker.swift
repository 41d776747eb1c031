#if Redis
package import CeleriacCore
package import CeleriacQueues
package import CeleriacRedis
package import CeleriacWire
import CeleryWire
package import Logging
package import NIOCore
import NIOConcurrencyHelpers

/// Celery's queues in Redis, as kombu lays them out: priority lists, claims in `unacked`, bindings.
package final class CeleryRedisBroker: MessageBroker, RedisParkingBroker {
    let configuration: RedisConfiguration
    let options: CeleryRedisOptions
    let keys: KombuKeys
    let queues: QueueTable
    let limits: WireLimits
    let eventLoopGroup: any EventLoopGroup
    let logger: Logger
    let client: RedisClient
    private let declared = NIOLockedValueBox<Set<String>>([])

    /// Creates a broker, which connects on first use.
    package init(
        _ configuration: RedisConfiguration,
        options: CeleryRedisOptions = CeleryRedisOptions(),
        queues: QueueTable = QueueTable(),
        limits: WireLimits = .default,
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        self.configuration = configuration
        self.options = options
        self.queues = queues
        self.limits = limits
        self.keys = options.keys
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        self.client = RedisClient(configuration, eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// The server, without credentials.
    package var name: String { configuration.description }

    // MARK: Messages

    /// Pushes messages to their lists, all in one round trip.
    ///
    /// A message to a named exchange goes to every queue that is bound to it for the message's routing key, or to all that
    /// listen to it if it is a fanout exchange.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable`, `publishFailed`, also if no queue is bound, or `unsupported` for
    ///   a type of exchange that kombu does not have on Redis; ``PartialPublishError`` if Redis refused some of the
    ///   messages.
    package func publish(_ messages: [OutgoingMessage]) async throws {
        guard !messages.isEmpty else { return }
        guard queues.needsRabbitMQ || messages.contains(where: { !$0.exchange.isEmpty }) else {
            return try await push(messages, try messages.map { try push($0, to: $0.routingKey) })
        }
        // A binding of ours must be there before the bindings are read.
        try await declareQueues(of: messages)
        var pushes: [RedisCommand] = []
        // The message of each push.
        var origins: [Int] = []
        var refused: [Int: CeleriacError] = [:]
        for (index, message) in messages.enumerated() {
            if let refusal = self.queues.virtualRefusal(of: message) {
                refused[index] = refusal
                continue
            }
            let type = message.exchange.isEmpty ? "direct" : self.queues.type(ofExchange: message.exchange)
            if type == "fanout" {
                let channel = keys.channel(
                    message.exchange, routingKey: message.routingKey, database: configuration.database)
                pushes.append(RedisCommand("PUBLISH", channel, try encode(message)))
                origins.append(index)
                continue
            }
            let queues = try await queues(of: message)
            if queues.isEmpty {
                refused[index] = CeleriacError(
                    .publishFailed,
                    "no queue is bound to the exchange \(message.exchange) for the routing key \(message.routingKey)")
            }
            for queue in queues {
                pushes.append(try push(message, to: queue))
                origins.append(index)
            }
        }
        do {
            if !pushes.isEmpty { try await push(messages, pushes) }
        } catch let error as PartialPublishError {
            for (position, refusal) in error.refused { refused[origins[position]] = refusal }
        } catch let error as CeleriacError where !refused.isEmpty {
            for index in origins { refused[index] = error }
        }
        try PartialPublishError.check(refused: refused, of: messages.count)
    }

    /// The queues that get a message.
    private func queues(of message: OutgoingMessage) async throws -> [String] {
        if message.exchange.isEmpty { return [message.routingKey] }
        let found = try await bound(to: message)
        guard found.isEmpty, let queue = message.declaredQueue,
            declared.withLockedValue({ $0.remove(queue) }) != nil
        else { return found }
        // The server may have lost the bindings since: it was emptied, or another took its place.
        try await declareQueues(of: [message])
        return try await bound(to: message)
    }

    private func bound(to message: OutgoingMessage) async throws(CeleriacError) -> [String] {
        do {
            return try await keys.queues(
                boundTo: message.exchange, routingKey: message.routingKey, client: client)
        } catch {
            throw CeleriacError(
                error.failureCode(otherwise: .publishFailed),
                "the bindings of the exchange \(message.exchange) cannot be read", cause: error)
        }
    }

    private func encode(_ message: OutgoingMessage) throws(CeleriacError) -> [UInt8] {
        try KombuEnvelope.encode(message, bodyEncoding: options.bodyEncoding)
    }

    private func push(_ message: OutgoingMessage, to queue: String) throws(CeleriacError) -> RedisCommand {
        RedisCommand(
            "LPUSH", keys.list(queue, priority: message.message.properties.priority ?? 0),
            try encode(message))
    }

    private func push(_ messages: [OutgoingMessage], _ pushes: [RedisCommand]) async throws {
        let undeclared = undeclaredQueues(of: messages)
        note(undeclared, refusal: try await client.publish(pushes, after: declarations(of: undeclared)))
    }

    private func declareQueues(of messages: [OutgoingMessage]) async throws {
        let undeclared = undeclaredQueues(of: messages)
        guard !undeclared.isEmpty else { return }
        note(undeclared, refusal: try await client.publish([], after: declarations(of: undeclared)))
    }

    private func undeclaredQueues(of messages: [OutgoingMessage]) -> Set<String> {
        declared.withLockedValue { declared in Set(messages.compactMap(\.declaredQueue)).subtracting(declared) }
    }

    private func declarations(of queues: Set<String>) -> [RedisCommand] {
        queues.sorted().compactMap(self.queues.queue).filter { $0.virtualRefusal == nil }.flatMap(keys.declaration)
    }

    /// A refused declaration holds up no message. It is repeated with the next one.
    private func note(_ queues: Set<String>, refusal: RedisServerError?) {
        if let refusal {
            logger.warning("could not declare queues", metadata: ["broker": "\(name)", "error": "\(refusal)"])
        } else {
            declared.withLockedValue { $0.formUnion(queues) }
        }
    }

    /// Begins to consume from queues, which need not exist yet.
    package func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        try queues.checkVirtual(options.queues)
        return try await RedisMessageConsumer.start(
            configuration, topology: CeleryRedisTopology(options: self.options, queues: queues, limits: limits),
            options: options,
            eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// Closes the connection.
    package func close() async {
        await client.close()
    }

    // MARK: Remote control

    /// A mailbox that uses pub/sub.
    package func controlMailbox(for node: String, exchanges: ControlExchanges) -> (any ControlMailbox)? {
        CeleryRedisMailbox(broker: self, exchanges: exchanges)
    }

    /// The server as kombu describes it.
    package var brokerDescription: BrokerDescription {
        let plain = configuration.sentinels == nil ? "redis" : "sentinel"
        return BrokerDescription(
            transport: configuration.sentinels == nil && configuration.tls != nil ? "rediss" : plain,
            host: configuration.unixSocketPath ?? configuration.host, port: configuration.port,
            user: configuration.user, virtualHost: "\(configuration.database)",
            isEncrypted: configuration.tls != nil)
    }

    // MARK: Looking after queues

    /// The lists of a queue, and those in which workers once kept messages.
    private func lists(of queue: String) -> [String] {
        let lists = keys.prioritySteps.map { keys.list(queue, step: $0) }
        return lists + lists.map(keys.handover)
    }

    /// The number of messages that wait in a queue.
    package func depth(of queue: String) async throws -> Int { try await client.depth(of: lists(of: queue)) }

    /// Deletes all messages that wait in a queue.
    package func purge(_ queue: String) async throws -> Int { try await client.purge(lists(of: queue)) }

    /// The messages parked from a queue.
    package func parked(_ queue: String) -> RedisParkedMessages {
        RedisParkedMessages(client, queue: queue, key: keys.parked(queue), format: .celery, newestFirst: true)
    }

    /// A parked message with what can be read of its envelope.
    package func reading(_ parked: ParkedMessage) -> ParkedMessage {
        parked.reading(KombuEnvelope.remains(of: parked.message, limits: limits))
    }

    /// Puts parked messages back at the end of their queue.
    package func requeueParked(_ ids: [String], in queue: String) async throws -> Int {
        try await parked(queue).requeue(ids, by: "LPUSH") { [keys, limits] message in
            // Only the envelope has the priority, so a message that cannot be read goes back without one.
            let priority = KombuEnvelope.remains(of: message, limits: limits)?.properties.priority
            return keys.list(queue, priority: priority ?? 0)
        }
    }
}
#endif
