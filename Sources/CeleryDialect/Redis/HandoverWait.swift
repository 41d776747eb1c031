#if Redis
import CeleriacCore
import CeleriacRedis
import Logging
import NIOCore
import NIOConcurrencyHelpers

/// Waits until Redis hands a message over to this worker.
///
/// Each list has a connection that blocks in `BLMOVE list handover`: Redis moves one message to one waiting client, in
/// the order in which they began to wait, Python's `BRPOP` among them; the message lies in Redis all the time. Nothing is
/// polled, and nobody is woken in vain.
final class HandoverWait: Sendable {
    private let configuration: RedisConfiguration
    private let eventLoop: any EventLoop
    private let logger: Logger
    /// How long one command blocks. A connection that is dead without saying so is found out after it.
    private let patience: Duration
    private let connections = NIOLockedValueBox<[Int: RedisConnection]>([:])

    init(
        configuration: RedisConfiguration, patience: Duration, eventLoop: any EventLoop, logger: Logger
    ) {
        self.configuration = configuration
        self.patience = patience
        self.eventLoop = eventLoop
        self.logger = logger
    }

    /// Returns when something was handed over, when `stop` was opened, or when it is time to look after other things.
    /// No command blocks any more when it returns: what came in the last moment lies in the handover lists.
    func wait(for lists: QueueLists, unblockingWith client: RedisClient, stop: Gate) async throws(RedisError) {
        let open = try await connect(lists.servedPlaces)
        let pending = NIOLockedValueBox(Set(open.keys))
        let allAnswered = Gate()
        for (index, connection) in open {
            let list = lists.lists[index]
            connection.submit(
                [RedisCommand("BLMOVE", list.key, list.handoverKey, "RIGHT", "LEFT", patience.seconds)],
                timeout: patience + .seconds(10)
            ).whenComplete { result in
                if case .failure = result { self.connections.withLockedValue { $0[index] = nil } }
                let isLast = pending.withLockedValue { pending in
                    pending.remove(index)
                    return pending.isEmpty
                }
                stop.open()
                if isLast { allAnswered.open() }
            }
        }
        await stop.wait()
        let blocked = pending.withLockedValue { $0 }.compactMap { open[$0]?.clientID }
        if !blocked.isEmpty {
            do {
                _ = try await client.send(blocked.map { RedisCommand("CLIENT", "UNBLOCK", Int64($0)) })
            } catch {
                // They cannot be told to give up: end them, so that Redis hands nothing over to them any more.
                await closeAll()
                throw error
            }
        }
        await allAnswered.wait()
    }

    private func connect(_ places: [Int]) async throws(RedisError) -> [Int: RedisConnection] {
        let (kept, surplus) = connections.withLockedValue { connections in
            let surplus = connections.filter { !places.contains($0.key) }
            for index in surplus.keys { connections[index] = nil }
            return (connections, surplus)
        }
        for connection in surplus.values { await connection.close() }
        var open = kept
        for index in places where open[index] == nil {
            let connection = try await RedisConnection.connect(configuration, on: eventLoop, logger: logger)
            open[index] = connection
            connections.withLockedValue { $0[index] = connection }
        }
        return open
    }

    func closeAll() async {
        let open = connections.withLockedValue { connections in
            defer { connections = [:] }
            return Array(connections.values)
        }
        for connection in open { await connection.close() }
    }
}
#endif
