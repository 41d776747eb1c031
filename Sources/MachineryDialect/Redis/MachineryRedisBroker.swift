#if Redis
package import CeleriacCore
package import CeleriacQueues
package import CeleriacRedis
import CeleriacWire
package import Logging
import MachineryWire
package import NIOCore

/// Machinery's queues in Redis: a list for each queue, a sorted set for tasks that wait for their time.
package final class MachineryRedisBroker: MessageBroker, RedisParkingBroker {
    let settings: MachineryRedisSettings
    let defaultQueue: String
    private let eventLoopGroup: any EventLoopGroup
    private let logger: Logger
    let client: RedisClient

    /// Creates a broker, which connects on first use. A delayed task that names no queue goes to `defaultQueue`.
    package init(
        _ configuration: RedisConfiguration,
        settings: MachineryRedisSettings = MachineryRedisSettings(),
        defaultQueue: String = "machinery_tasks",
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        self.settings = settings
        self.defaultQueue = defaultQueue
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        self.client = RedisClient(configuration, eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// The server, without credentials.
    package var name: String { client.configuration.description }

    // MARK: Messages

    /// Pushes messages to the end of their queues, or into the set of delayed tasks with their time in nanoseconds.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` or `publishFailed`; ``PartialPublishError`` if Redis refused
    ///   some of the messages.
    package func publish(_ messages: [OutgoingMessage]) async throws {
        guard !messages.isEmpty else { return }
        _ = try await client.publish(
            messages.map { message in
                guard let time = message.notBefore else {
                    return RedisCommand("RPUSH", message.routingKey, message.message.body)
                }
                return RedisCommand(
                    "ZADD", settings.delayedTasks, GoTime(time).unixNanoseconds, message.message.body)
            })
    }

    /// Begins to consume.
    package func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        try await RedisMessageConsumer.start(
            client.configuration,
            topology: MachineryRedisTopology(
                settings: settings, defaultQueue: defaultQueue, inCluster: client.configuration.declaresCluster),
            options: options,
            eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// Closes the connection.
    package func close() async {
        await client.close()
    }

    // MARK: Looking after queues

    /// The keys beside a queue.
    func keys(of queue: String) -> InFlightKeys {
        InFlightKeys(queue: queue, inCluster: client.configuration.declaresCluster)
    }

    private func lists(of queue: String) -> [String] { [queue, keys(of: queue).handover] }

    /// The number of messages that wait in a queue, without delayed tasks whose time has not come.
    package func depth(of queue: String) async throws -> Int { try await client.depth(of: lists(of: queue)) }

    /// Deletes all messages that wait in a queue.
    package func purge(_ queue: String) async throws -> Int { try await client.purge(lists(of: queue)) }

    /// The messages parked from a queue.
    package func parked(_ queue: String) -> RedisParkedMessages {
        RedisParkedMessages(
            client, queue: queue, key: keys(of: queue).parked, format: .machinery, newestFirst: false)
    }

    /// A parked message with its body, which is all that a message has.
    package func reading(_ parked: ParkedMessage) -> ParkedMessage { parked.reading(WireMessage(body: parked.message)) }

    /// Puts parked messages back at the end of their queue.
    package func requeueParked(_ ids: [String], in queue: String) async throws -> Int {
        try await parked(queue).requeue(ids, by: "RPUSH") { _ in queue }
    }

    /// What is no task among those that wait for their time is parked beside them.
    package var furtherParkingQueues: [String] { [settings.delayedTasks] }
}
#endif
