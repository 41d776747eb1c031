#if Redis
package import CeleriacCore
package import CeleriacRedis
package import Logging
package import NIOCore
import NIOConcurrencyHelpers

/// Waits until Redis hands this client an element of one of several lists.
///
/// Each list has a connection that blocks in `BLMOVE list handover`: Redis moves one element to one waiting client, in
/// the order in which the clients began to wait, including other programs that wait with `BRPOP` or `BLPOP`. The
/// element never leaves Redis. Nothing polls, and no client wakes up for nothing.
package final class HandoverWait: Sendable {
    /// A list, and the key to which its elements are handed over.
    package struct Source: Sendable {
        let list: String
        let handover: String

        package init(list: String, handover: String) {
            self.list = list
            self.handover = handover
        }
    }
    /// The end of the lists from which elements are taken.
    package enum End: String, Sendable {
        case left = "LEFT"
        case right = "RIGHT"

        fileprivate var other: End { self == .left ? .right : .left }
    }

    private let configuration: RedisConfiguration
    private let end: End
    private let eventLoop: any EventLoop
    private let logger: Logger
    /// How long one command blocks. It bounds the time until a silently dead connection is noticed.
    private let patience: Duration
    /// Whether the server refused `CLIENT UNBLOCK`, which is `@dangerous` to its access control.
    private let mayNotUnblock = NIOLockedValueBox(false)
    /// The connections by list key.
    private let connections = NIOLockedValueBox<[String: RedisConnection]>([:])

    package init(
        _ configuration: RedisConfiguration, takingFrom end: End, patience: Duration, eventLoop: any EventLoop,
        logger: Logger
    ) {
        self.configuration = configuration
        self.end = end
        self.patience = patience
        self.eventLoop = eventLoop
        self.logger = logger
    }

    /// Returns when Redis has handed something over, when `stop` opens, or when it is time for other work. No command
    /// is blocked any more by then: elements that arrived at the last moment are in the handover lists.
    package func wait(
        for sources: [Source], unblockingWith client: RedisClient, stop: Gate
    ) async throws(RedisError) {
        let open = try await connect(sources.map(\.list))
        let pending = NIOLockedValueBox(Set(open.keys))
        let allAnswered = Gate()
        for source in sources {
            let list = source.list
            open[list]?.submit(
                [RedisCommand("BLMOVE", list, source.handover, end.rawValue, end.other.rawValue, patience.seconds)],
                timeout: patience + .seconds(10)
            ).whenComplete { result in
                if case .failure = result { self.connections.withLockedValue { $0[list] = nil } }
                let isLast = pending.withLockedValue { pending in
                    pending.remove(list)
                    return pending.isEmpty
                }
                stop.open()
                if isLast { allAnswered.open() }
            }
        }
        await stop.wait()
        let blocked = pending.withLockedValue { $0 }.compactMap { open[$0] }
        do {
            try await unblock(blocked, by: client)
        } catch {
            // These connections cannot be unblocked. Closing them keeps Redis from handing anything over to them.
            await closeAll()
            throw error
        }
        await allAnswered.wait()
    }

    /// Ends the commands that block on these connections. Without the right to unblock them it closes them.
    private func unblock(_ connections: [RedisConnection], by client: RedisClient) async throws(RedisError) {
        guard !connections.isEmpty else { return }
        if connections.allSatisfy({ $0.clientID != nil }), !mayNotUnblock.withLockedValue({ $0 }) {
            let replies = try await client.send(
                connections.compactMap(\.clientID).map { RedisCommand("CLIENT", "UNBLOCK", Int64($0)) })
            guard let refusal = replies.lazy.compactMap(\.error).first else { return }
            mayNotUnblock.withLockedValue { $0 = true }
            logger.warning(
                "Redis refuses CLIENT UNBLOCK: connections are closed and made anew instead",
                metadata: ["server": "\(configuration)", "error": "\(refusal)"])
        }
        for connection in connections { await connection.close() }
    }

    /// Returns a connection for each of these lists, and closes all others.
    private func connect(_ lists: [String]) async throws(RedisError) -> [String: RedisConnection] {
        let (kept, surplus) = connections.withLockedValue { connections in
            let surplus = connections.filter { !lists.contains($0.key) }
            for list in surplus.keys { connections[list] = nil }
            return (connections, surplus)
        }
        for connection in surplus.values { await connection.close() }
        var open = kept
        for list in lists where open[list] == nil {
            let connection = try await RedisConnection.connect(configuration, on: eventLoop, logger: logger)
            open[list] = connection
            connections.withLockedValue { $0[list] = connection }
        }
        return open
    }

    package func closeAll() async {
        let open = connections.withLockedValue { connections in
            defer { connections = [:] }
            return Array(connections.values)
        }
        for connection in open { await connection.close() }
    }
}
#endif
