#if AMQP

package import Logging
package import NIOCore

/// A connection that is made when it is needed, and again after it was lost.
///
/// Brokers are tried in the order of the list, after a loss beginning with the one that was lost; when all have failed,
/// again after a pause that grows, with jitter, to five seconds. It connects only while somebody asks for the
/// connection; an ``AMQPConsumerSession`` asks all the time.
///
/// Publish and consume by clients of their own: a broker short of memory or disk stops reading from connections that
/// publish, and the acknowledgements of their consumers would be stuck with the publishes.
package final class AMQPClient: Sendable {
    private let core: ClientCore

    /// Makes a client; it does not connect yet.
    ///
    /// - Parameters:
    ///   - configurations: The brokers, in the order in which they are tried.
    ///   - eventLoopGroup: Where the connection lives: on one event loop of this `MultiThreadedEventLoopGroup`.
    ///   - logger: Told of connections that fail or are lost.
    package init(configurations: [AMQPConfiguration], eventLoopGroup: any EventLoopGroup, logger: Logger) {
        core = ClientCore(configurations, on: eventLoopGroup.next(), logger: logger)
    }

    /// The event loop that connections live on.
    package var eventLoop: any EventLoop { core.eventLoop }

    /// The connection, made if there is none.
    ///
    /// - Throws: `AMQPError`. When no broker can be reached within the sum of the list's `connectTimeout`s, the error
    ///   of the last attempt; when every broker refuses the credentials or the certificate, that at once;
    ///   `connectionClosed` after ``close()``; `cancelled`.
    package func connection() async throws(AMQPError) -> AMQPConnection {
        try await core.connection()
    }

    deinit {
        eventLoop.execute { [core] in core.assumeIsolated { $0.abandon() } }
    }

    /// Publishes messages on one of the connection's two shared confirm channels: the first takes publications that go to
    /// the default exchange only, the second all others.
    ///
    /// A message that the broker answers with a channel error (404 for an exchange that does not exist) closes that
    /// channel, and every publish that is in flight on it fails with it; the next publish opens it again.
    ///
    /// - Returns: What became of each message, in order.
    /// - Throws: `AMQPError`, as ``AMQPChannel/publish(_:)`` and ``connection()``. When `nothingSent` is false, the
    ///   messages may or may not have reached their queues; sending them again may duplicate them.
    package func publish(_ messages: [AMQPPublish]) async throws(AMQPError) -> [AMQPPublishOutcome] {
        let kind: SharedChannels.Kind = messages.allSatisfy(\.exchange.isEmpty) ? .toQueues : .toExchanges
        var attempt = 0
        while true {
            attempt += 1
            do {
                let channel = try await connection().publisherChannel(kind)
                return try await channel.publish(messages)
            } catch {
                // The channel or the connection ended between getting it and using it.
                let isStale = error.nothingSent && (error.code.endsChannel || error.code.endsConnection)
                guard isStale, attempt < 3 else { throw error }
            }
        }
    }

    /// Closes the connection in order, for good. Whoever still waits gets the error `connectionClosed`.
    package func close() async {
        await core.close()
    }
}

extension AMQPError.Code {
    fileprivate var endsChannel: Bool { self == .channelClosed || self == .channelClosedByServer }

    fileprivate var endsConnection: Bool { self == .connectionLost || self == .connectionClosedByServer }
}

#endif
