#if Redis
public import CeleriacCore
public import CeleriacRedis
import CeleriacWire
import MachineryWire
public import Logging
public import NIOCore

/// Machinery's queues in Redis: a list for each queue, a sorted set for tasks that wait for their time.
public final class MachineryRedisBroker: Broker {
    let configuration: RedisConfiguration
    let options: MachineryRedisOptions
    let eventLoopGroup: any EventLoopGroup
    let logger: Logger
    private let client: RedisClient

    /// Makes a broker. It connects on first use.
    public init(
        _ configuration: RedisConfiguration,
        options: MachineryRedisOptions = MachineryRedisOptions(),
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        self.configuration = configuration
        self.options = options
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        self.client = RedisClient(configuration, eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// The server, without credentials.
    public var name: String { configuration.description }

    /// Pushes messages to the end of their queues, or into the set of delayed tasks with their time in nanoseconds.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` or `publishFailed`; ``PartialPublishError`` where Redis refused
    ///   some.
    public func publish(_ messages: [OutgoingMessage]) async throws {
        guard !messages.isEmpty else { return }
        var commands: [RedisCommand] = []
        commands.reserveCapacity(messages.count)
        for message in messages {
            if let time = message.notBefore {
                commands.append(
                    RedisCommand(
                        "ZADD", options.delayedTasksKey, GoTime(time).unixNanoseconds, message.message.body))
            } else {
                commands.append(RedisCommand("RPUSH", message.routingKey, message.message.body))
            }
        }
        let replies: [RedisValue]
        do {
            replies = try await client.send(commands)
        } catch {
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .publishFailed,
                "\(messages.count) message(s) were not confirmed by \(name)", cause: error)
        }
        var refused: [Int: CeleriacError] = [:]
        for (index, reply) in replies.enumerated() {
            guard let refusal = reply.error else { continue }
            refused[index] = CeleriacError(
                refusal.isTemporary ? .unavailable : .publishFailed, "\(name) refused a message", cause: refusal)
        }
        try PartialPublishError.check(refused: refused, of: messages.count)
    }

    /// Begins to take messages.
    public func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        let consumer = MachineryRedisConsumer(broker: self, options: options)
        try await consumer.start()
        return consumer
    }

    /// Closes the connections.
    public func close() async {
        await client.close()
    }
}
#endif
