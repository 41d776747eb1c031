#if Redis
package import CeleriacCore
package import CeleriacRedis
package import Logging
package import NIOCore
import NIOConcurrencyHelpers

/// Waits until one of several lists in Redis has an element.
///
/// Each list has a connection that blocks in `BLMOVE list list` with the same end twice: Redis answers as soon as the
/// list has an element, and leaves it where it is. Nothing polls, nothing is handed to a client that may be frozen, and
/// a command that still blocks when the wait is over does no harm: it is used for the next wait.
///
/// Redis answers all clients that wait in this way. A client that waits in `BRPOP` or `BLPOP`, as Python and Go workers
/// do, gets the element first.
package final class ListWait: Sendable {
    /// The end of the lists from which elements are taken.
    package enum End: String, Sendable {
        case left = "LEFT"
        case right = "RIGHT"
    }
    private struct State {
        /// The connections by list.
        var connections: [String: RedisConnection] = [:]
        /// The lists whose connections block.
        var blocked: Set<String> = []
        /// Ends the wait.
        var stop: Gate?
        /// What the server said to a command instead of blocking.
        var refusal: RedisServerError?
    }

    private let configuration: RedisConfiguration
    private let end: End
    private let eventLoop: any EventLoop
    private let logger: Logger
    /// How long one command blocks. It bounds the time until a silently dead connection is noticed.
    private let patience: Duration
    private let state = NIOLockedValueBox(State())

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

    /// Returns when one of the lists may have an element, when `stop` opens, or when it is time for other work.
    ///
    /// - Throws: ``RedisError`` if the server cannot be reached, or refuses to wait.
    package func wait(for lists: [String], stop: Gate) async throws(RedisError) {
        try await connect(lists)
        let idle = state.withLockedValue { state -> [String: RedisConnection]? in
            // One that was lost in the meantime ends no wait, so the list would not be watched.
            guard lists.allSatisfy({ state.connections[$0] != nil }) else { return nil }
            state.stop = stop
            state.refusal = nil
            let idle = state.connections.filter { !state.blocked.contains($0.key) }
            state.blocked.formUnion(idle.keys)
            return idle
        }
        guard let idle else { return }
        for (list, connection) in idle {
            connection.submit(
                [RedisCommand("BLMOVE", list, list, end.rawValue, end.rawValue, patience.seconds)],
                timeout: patience + .seconds(10)
            ).whenComplete { self.ended($0, list: list, connection: connection) }
        }
        await stop.wait()
        let refusal = state.withLockedValue { state in
            state.stop = nil
            return state.refusal
        }
        if let refusal { throw RedisError(refusal) }
    }

    private func ended(_ result: Result<[RedisValue], any Error>, list: String, connection: RedisConnection) {
        let stop = state.withLockedValue { state -> Gate? in
            // A connection that was closed on purpose is no longer the list's.
            guard state.connections[list] === connection else { return nil }
            state.blocked.remove(list)
            switch result {
            case .success(let replies): state.refusal = replies.first?.error ?? state.refusal
            case .failure: state.connections[list] = nil
            }
            return state.stop
        }
        stop?.open()
    }

    /// Makes a connection for each of these lists that has none, and closes those of all others.
    private func connect(_ lists: [String]) async throws(RedisError) {
        let surplus = state.withLockedValue { state in
            let surplus = state.connections.filter { !lists.contains($0.key) }
            for list in surplus.keys {
                state.connections[list] = nil
                state.blocked.remove(list)
            }
            return surplus
        }
        for connection in surplus.values { await connection.close() }
        for list in lists where state.withLockedValue({ $0.connections[list] == nil }) {
            let connection = try await RedisConnection.connect(configuration, on: eventLoop, logger: logger)
            state.withLockedValue { $0.connections[list] = connection }
        }
    }

    package func closeAll() async {
        let open = state.withLockedValue { state in
            defer {
                state.connections = [:]
                state.blocked = []
            }
            return Array(state.connections.values)
        }
        for connection in open { await connection.close() }
    }
}
#endif
