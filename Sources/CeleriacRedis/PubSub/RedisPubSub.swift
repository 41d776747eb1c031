#if Redis
package import Logging
package import NIOCore

/// Subscriptions to channels of a Redis server, over their own connection.
///
/// The connection is made with the first subscription. After a loss, it is remade for as long as there are
/// subscriptions, all of them are renewed, and ``RedisPubSubEvent/resubscribed`` tells the owner. Many short
/// subscriptions are cheap: calls made at the same moment travel together, and none waits for another.
///
/// A channel is either subscribed or not: after two `subscribe` calls for one channel, the first `unsubscribe` ends the
/// subscription. Celery's channel names include the database number, since Redis keeps one set of channels for all
/// databases.
///
/// In a cluster the connection leads to any node, and to another one when that is lost: what is published at one is heard at
/// all.
///
/// The event loop group must outlive it.
package final class RedisPubSub: Sendable {
    /// The event loop that the connection runs on, and that calls the closures.
    package let eventLoop: any EventLoop

    private let core: NIOLoopBoundBox<RedisPubSubCore>

    /// Creates an object without any subscription. It does not connect yet.
    ///
    /// - Parameters:
    ///   - configuration: The server. A subscription waits at most `connectTimeout` for a connection and at most
    ///     `commandTimeout` for its confirmation; `pingInterval` and `toleratedPings` detect a dead connection.
    ///   - eventLoopGroup: The object uses one of its event loops.
    ///   - logger: The logger for connections and losses.
    ///   - onEvent: Called on the event loop with each event of the connection. It must not block.
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

    /// Subscribes to channels and waits for the server's confirmation. Everything published from then on is received.
    ///
    /// - Throws: `timeout` if there is no connection or no confirmation in time, `server` if access rights forbid a
    ///   channel, `closed`. In these cases, none of the new channels counts as subscribed.
    package nonisolated(nonsending) func subscribe(_ channels: [String]) async throws(RedisError) {
        try await change(.subscribe, channels)
    }

    /// Ends subscriptions to channels and waits for the server's confirmation.
    ///
    /// - Throws: `timeout`, `closed`.
    package nonisolated(nonsending) func unsubscribe(_ channels: [String]) async throws(RedisError) {
        try await change(.unsubscribe, channels)
    }

    /// Ends subscriptions to channels without waiting.
    package func submitUnsubscribe(_ channels: [String]) {
        onEventLoop { $0.change(.unsubscribe, channels, waiter: RedisPubSubCore.Waiter(continuation: nil)) }
    }

    /// Subscribes to all channels that match glob patterns, and waits for the server's confirmation.
    ///
    /// - Throws: As ``subscribe(_:)``.
    package nonisolated(nonsending) func psubscribe(_ patterns: [String]) async throws(RedisError) {
        try await change(.psubscribe, patterns)
    }

    /// Ends subscriptions to patterns and waits for the server's confirmation.
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

/// An event of the connection of a ``RedisPubSub``.
package enum RedisPubSubEvent: Sendable {
    /// A connection was made. The number is the server's id for it (`CLIENT ID`), if the server reports it.
    case connected(clientID: Int64?)
    /// All subscriptions are active again after a loss. Messages published in between are lost: read anything again
    /// that may have changed.
    case resubscribed
    /// The connection was lost or could not be made. It is retried while there are subscriptions.
    case disconnected(RedisError)
}

/// A message published on a channel.
package struct RedisPubSubMessage: Sendable, Hashable {
    /// The channel that it was published on.
    package let channel: String
    /// The pattern that matched; `nil` if the channel itself is subscribed. A channel that is subscribed both ways
    /// yields two messages.
    package let pattern: String?
    /// The published value: a bulk string, or for `__redis__:invalidate` (client tracking) an array of keys or null.
    package let value: RedisValue

    /// Creates a message.
    package init(channel: String, pattern: String? = nil, value: RedisValue) {
        self.channel = channel
        self.pattern = pattern
        self.value = value
    }

    /// The published bytes; empty if ``value`` is not a string.
    package var payload: [UInt8] {
        if case .bulk(let bytes) = value { bytes } else { [] }
    }
}
#endif
