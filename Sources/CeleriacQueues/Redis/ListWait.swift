#if Redis
package import CeleriacCore
package import CeleriacRedis
package import Logging
package import NIOCore
import NIOConcurrencyHelpers

/// Waits until one of several lists in Redis has an element.
///
/// Each list has a client whose connection blocks in `BLMOVE list list` with the same end twice: Redis answers as soon as
/// the list has an element, and leaves it where it is. Nothing polls, nothing is handed to a client that may be frozen, and
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
        /// The clients by list.
        var clients: [String: RedisClient] = [:]
        /// The lists whose clients block.
        var blocked: Set<String> = []
        /// Ends the wait.
        var stop: Gate?
        /// Why a command did not block.
        var obstacle: RedisError?
    }

    private let configuration: RedisConfiguration
    private let end: End
    private let eventLoop: any EventLoop
    private let logger: Logger
    /// How long one command blocks. It bounds the time until a connection is noticed that is dead and does not tell.
    private let patience: Duration
    private let state = NIOLockedValueBox(State())
    /// Called when a connection is lost that waits.
    private let isLost: (@Sendable (any Error) -> Void)?

    package init(
        _ configuration: RedisConfiguration, takingFrom end: End, patience: Duration, eventLoop: any EventLoop,
        logger: Logger, isLost: (@Sendable (any Error) -> Void)? = nil
    ) {
        self.configuration = configuration
        self.end = end
        self.patience = patience
        self.eventLoop = eventLoop
        self.logger = logger
        self.isLost = isLost
    }

    /// Returns when one of the lists may have an element, when `stop` opens, or when it is time for other work.
    ///
    /// - Throws: ``RedisError`` if the server cannot be reached, or refuses to wait.
    package func wait(for lists: [String], stop: Gate) async throws(RedisError) {
        await prepare(lists)
        let idle = state.withLockedValue { state -> [String: RedisClient] in
            state.stop = stop
            state.obstacle = nil
            let idle = state.clients.filter { !state.blocked.contains($0.key) }
            state.blocked.formUnion(idle.keys)
            return idle
        }
        for (list, client) in idle {
            client.submit(
                [RedisCommand("BLMOVE", list, list, end.rawValue, end.rawValue, patience.seconds)],
                timeout: patience + .seconds(10)
            ).whenComplete { self.ended($0, list: list, client: client) }
        }
        await stop.wait()
        let obstacle = state.withLockedValue { state in
            state.stop = nil
            return state.obstacle
        }
        if let obstacle { throw obstacle }
    }

    private func ended(_ result: Result<[RedisValue], any Error>, list: String, client: RedisClient) {
        let (stop, loss) = state.withLockedValue { state -> (Gate?, RedisError?) in
            // A client that was closed on purpose is no longer the list's.
            guard state.clients[list] === client else { return (nil, nil) }
            state.blocked.remove(list)
            var loss: RedisError?
            switch result {
            case .success(let replies):
                if let error = replies.first?.error { state.obstacle = RedisError(error) }
            case .failure(let error as RedisError):
                // A connection that is lost is a reason to look, and nothing else.
                if error.code == .connectionLost { loss = error } else { state.obstacle = error }
            case .failure: break
            }
            return (state.stop, loss)
        }
        if let loss { isLost?(loss) }
        stop?.open()
    }

    /// Makes a client for each of these lists that has none, and closes those of all others.
    private func prepare(_ lists: [String]) async {
        let surplus = state.withLockedValue { state in
            let surplus = state.clients.filter { !lists.contains($0.key) }
            for list in surplus.keys {
                state.clients[list] = nil
                state.blocked.remove(list)
            }
            for list in lists where state.clients[list] == nil {
                state.clients[list] = RedisClient(configuration, eventLoopGroup: eventLoop, logger: logger)
            }
            return surplus
        }
        for client in surplus.values { await client.close() }
    }

    package func closeAll() async {
        let open = state.withLockedValue { state in
            defer {
                state.clients = [:]
                state.blocked = []
            }
            return Array(state.clients.values)
        }
        for client in open { await client.close() }
    }
}
#endif
