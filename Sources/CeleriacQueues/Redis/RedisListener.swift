#if Redis
import CeleriacCore
import CeleriacRedis
import Logging
import NIOConcurrencyHelpers
import NIOCore

/// Listens to the messages of queues that are one worker's own, and puts them into the lists from which it claims.
final class RedisListener: Sendable {
    private let client: RedisClient
    private let subscriptions: RedisPubSub
    private let broadcasts: NIOLockedValueBox<[String: RedisBroadcast]>

    init(_ client: RedisClient, eventLoopGroup: any EventLoopGroup, logger: Logger) {
        self.client = client
        let broadcasts = NIOLockedValueBox<[String: RedisBroadcast]>([:])
        self.broadcasts = broadcasts
        subscriptions = RedisPubSub(
            client.configuration, eventLoopGroup: eventLoopGroup, logger: logger
        ) { messages in
            let kept = broadcasts.withLockedValue { broadcasts in
                messages.flatMap { message in
                    broadcasts.values.filter { $0.channel == message.pattern }.map { $0.keep(message.payload) }
                }
            }
            guard !kept.isEmpty else { return }
            client.submit(kept).whenComplete { result in
                guard let refusal = result.refusal else { return }
                // Whoever does not listen misses it, as at a Python worker whose connection is lost.
                logger.warning(
                    "messages for this worker's own queues may be lost",
                    metadata: ["messages": "\(kept.count)", "error": "\(refusal)"])
            }
        }
    }

    /// Begins to listen; once begun, the subscription renews itself.
    func listen(_ queue: String, _ broadcast: RedisBroadcast) async throws(RedisError) {
        broadcasts.withLockedValue { $0[queue] = broadcast }
        try await subscriptions.psubscribe([broadcast.channel])
    }

    /// Stops to listen to a queue.
    func leave(_ queue: String) async {
        guard let broadcast = broadcasts.withLockedValue({ $0.removeValue(forKey: queue) }) else { return }
        let isShared = broadcasts.withLockedValue { $0.values.contains { $0.channel == broadcast.channel } }
        if !isShared { try? await subscriptions.punsubscribe([broadcast.channel]) }
    }

    /// Stops to listen. What is in the lists stays there.
    func stop() async { await subscriptions.close() }

    /// Deletes what is left of the queues.
    func retire() async {
        let commands = broadcasts.withLockedValue { $0.values.flatMap(\.retirement) }
        if commands.isEmpty { return }
        _ = try? await client.send(commands, timeout: client.configuration.commandTimeout, waitsForServer: false)
    }
}
#endif
