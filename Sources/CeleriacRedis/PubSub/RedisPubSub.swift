#if Redis
package import Logging
package import NIOCore

/// Subscriptions to channels of a Redis server, over a connection of their own.
///
/// The connection is made with the first subscription. After a loss it is made again for as long as there are
/// subscriptions, all of them are renewed, and the owner is told by ``RedisPubSubEvent/resubscribed``. Many short
/// subscriptions are cheap: calls of the same moment travel together and none waits for another.
///
/// A channel is subscribed or it is not: after two `subscribe` of one channel, the first `unsubscribe` ends it.
/// Celery's channels carry the number of the database in their names, since Redis keeps one set of channels for all.
///
/// The event loop group must outlive it.
package final class RedisPubSub: Sendable {
    /// The event loop on which the connection lives and the closures are called.
    package let eventLoop: any EventLoop

    private let core: NIOLoopBoundBox<RedisPubSubCore>

    /// Creates an object without any subscription. It does not connect yet.
    ///
    /// - Parameters:
    ///   - configuration: The server. A subscription waits at most `connectTimeout` for a connection, at most
    ///     `commandTimeout` for its confirmation; `pingInterval` and `toleratedPings` find a dead connection.
    ///   - eventLoopGroup: One event loop of it is taken.
    ///   - logger: Where connections and losses are told.
    ///   - onEvent: Called on the event loop with what happens to the connection. It must not block.
    ///   - onMessages: Called on the event loop with the messages of one read, in order. It must not block.
    package init(
        _ configuration: RedisConfiguration, eventLoopGroup: any EventLoopGroup, logger: Logger,
        onEvent: @escaping @Sendable (RedisPubSubEvent) -> Void = { _ in },
        onMessages: @escaping @Sendable ([RedisPubSubMessage]) -> Void
    ) {
        let eventLoop = eventLoopGroup.next()
        self.eventLoop = eventLoop
        core = NIOLoopBoundBox.makeBoxSendingValue(
            RedisPubSubCore(
                configuration, eventLoop: eventLoop, logger: logger, onEvent: onEvent, onMessages: onMessages),
            eventLoop: eventLoop)
    }

    deinit {
        eventLoop.execute { [core] in core.value.close(nil) }
    }

    /// Subscribes to channels, and waits until the server has confirmed it: what is published from then on is received.
    ///
    /// - Throws: `timeout` where there was no connection or no confirmation in time, `server` where access rights
    ///   forbid a channel, `closed`. Then none of the channels that were new counts as subscribed.
    package nonisolated(nonsending) func subscribe(_ channels: [String]) async throws(RedisError) {
        try await change(.subscribe, channels)
    }

    /// Ends subscriptions to channels, and waits until the server has confirmed it.
    ///
    /// - Throws: `timeout`, `closed`.
    package nonisolated(nonsending) func unsubscribe(_ channels: [String]) async throws(RedisError) {
        try await change(.unsubscribe, channels)
    }

    /// Ends subscriptions to channels without waiting.
    package func submitUnsubscribe(_ channels: [String]) {
        onEventLoop { $0.change(.unsubscribe, channels, waiter: RedisPubSubCore.Waiter(continuation: nil)) }
    }

    /// Subscribes to all channels that match glob patterns, and waits until the server has confirmed it.
    ///
    /// - Throws: As ``subscribe(_:)``.
    package nonisolated(nonsending) func psubscribe(_ patterns: [String]) async throws(RedisError) {
        try await change(.psubscribe, patterns)
    }

    /// Ends subscriptions to patterns, and waits until the server has confirmed it.
    ///
    /// - Throws: As ``unsubscribe(_:)``.
    package nonisolated(nonsending) func punsubscribe(_ patterns: [String]) async throws(RedisError) {
        try await change(.punsubscribe, patterns)
    }

    /// Ends all subscriptions and the connection for good, and waits until it is closed.
    package nonisolated(nonsending) func close() async {
        let done = eventLoop.makePromise(of: Void.self)
        onEventLoop { $0.close(done) }
        try? await done.futureResult.get()
    }

    private nonisolated(nonsending) func change(
        _ kind: RedisSubscriptions<RedisPubSubCore.Waiter>.Kind, _ names: [String]
    ) async throws(RedisError) {
        try await withCheckedContinuation { continuation in
            onEventLoop { $0.change(kind, names, waiter: RedisPubSubCore.Waiter(continuation: continuation)) }
        }.get()
    }

    private func onEventLoop(_ body: @escaping @Sendable (RedisPubSubCore) -> Void) {
        if eventLoop.inEventLoop {
            body(core.value)
        } else {
            eventLoop.execute { [core] in body(core.value) }
        }
    }
}

/// What happens to the connection of a ``RedisPubSub``.
package enum RedisPubSubEvent: Sendable {
    /// A connection was made. The number is the server's for it (`CLIENT ID`), if it tells.
    case connected(clientID: Int64?)
    /// All subscriptions stand again after a loss. What was published in between is gone: read again what may have
    /// changed.
    case resubscribed
    /// The connection was lost, or could not be made; it is tried again while there are subscriptions.
    case disconnected(RedisError)
}

/// A message that somebody published on a channel.
package struct RedisPubSubMessage: Sendable, Hashable {
    /// The channel on which it was published.
    package let channel: String
    /// The pattern by which it was received; `nil` where the channel itself is subscribed. A channel that is subscribed
    /// both ways yields two messages.
    package let pattern: String?
    /// What was published: a bulk string; an array of keys, or null, for `__redis__:invalidate` (client tracking).
    package let value: RedisValue

    /// Creates a message.
    package init(channel: String, pattern: String? = nil, value: RedisValue) {
        self.channel = channel
        self.pattern = pattern
        self.value = value
    }

    /// The published bytes; empty where ``value`` is not a string.
    package var payload: [UInt8] {
        if case .bulk(let bytes) = value { bytes } else { [] }
    }
}
#endif
