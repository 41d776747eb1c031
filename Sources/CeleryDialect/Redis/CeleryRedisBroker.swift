#if Redis
public import CeleriacCore
public import CeleriacRedis
import CeleriacWire
import CeleryWire
public import Logging
public import NIOCore
import NIOConcurrencyHelpers

/// Celery's queues in Redis, as kombu lays them out: priority lists, claims in `unacked`, bindings.
public final class CeleryRedisBroker: Broker {
    let configuration: RedisConfiguration
    let options: CeleryRedisOptions
    let keys: KombuKeys
    let eventLoopGroup: any EventLoopGroup
    let logger: Logger
    private let client: RedisClient
    private let declared = NIOLockedValueBox<Set<String>>([])

    /// Makes a broker. It connects on first use.
    public init(
        _ configuration: RedisConfiguration,
        options: CeleryRedisOptions = CeleryRedisOptions(),
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        self.configuration = configuration
        self.options = options
        self.keys = options.keys
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        self.client = RedisClient(configuration, eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// The server or folder, without credentials.
    public var name: String { configuration.description }

    /// Pushes messages to their lists, all in one round trip.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` or `publishFailed`; `unsupported` for an exchange;
    ///   ``PartialPublishError`` where Redis refused some.
    public func publish(_ messages: [OutgoingMessage]) async throws {
        guard !messages.isEmpty else { return }
        var commands: [RedisCommand] = []
        commands.reserveCapacity(messages.count)
        let undeclared = declared.withLockedValue { declared in
            Set(messages.compactMap(\.declaredQueue)).subtracting(declared)
        }
        for queue in undeclared.sorted() {
            let member = keys.bindingMember(routingKey: queue, queue: queue)
            commands.append(RedisCommand("SADD", keys.binding(queue), member))
            commands.append(RedisCommand("SADD", keys.permanentBinding(queue), member))
        }
        for message in messages {
            guard message.exchange.isEmpty else {
                throw CeleriacError(
                    .unsupported,
                    "cannot publish to the exchange \(message.exchange): send to a queue by its name instead")
            }
            commands.append(
                RedisCommand(
                    "LPUSH", keys.list(message.routingKey, priority: message.message.properties.priority ?? 0),
                    try envelope(of: message)))
        }
        let replies: [RedisValue]
        do {
            replies = try await client.send(commands)
        } catch {
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .publishFailed,
                "\(messages.count) message(s) were not confirmed by \(name)", cause: error)
        }
        let bindings = replies.dropLast(messages.count)
        if let refusal = bindings.lazy.compactMap(\.error).first {
            // Its messages lie in their lists all the same; it is declared again with the next one.
            logger.warning("could not declare queues", metadata: ["broker": "\(name)", "error": "\(refusal)"])
        } else {
            declared.withLockedValue { $0.formUnion(undeclared) }
        }
        var refused: [Int: CeleriacError] = [:]
        for (index, reply) in replies.suffix(messages.count).enumerated() {
            guard let refusal = reply.error else { continue }
            refused[index] = CeleriacError(
                refusal.isTemporary ? .unavailable : .publishFailed, "\(name) refused a message", cause: refusal)
        }
        try PartialPublishError.check(refused: refused, of: messages.count)
    }

    private func envelope(of message: OutgoingMessage) throws -> [UInt8] {
        do {
            return try KombuEnvelope(
                message: message.message, exchange: message.exchange, routingKey: message.routingKey,
                deliveryTag: CeleryID.random()
            ).encode()
        } catch {
            throw CeleriacError(.unsupported, "the message's headers cannot be encoded", cause: error)
        }
    }

    /// Begins to consume from queues, which are made where they do not exist.
    public func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        let consumer = CeleryRedisConsumer(broker: self, options: options)
        try await consumer.start()
        return consumer
    }

    /// Closes the connections.
    public func close() async {
        await client.close()
    }
}
#endif
