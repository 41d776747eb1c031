#if AMQP

package import Logging
package import NIOCore

/// A connection that is made when it is needed, and remade after a loss.
///
/// It tries the brokers in list order; after a loss, it starts with the one that was lost. Once all have failed, it
/// pauses and tries again; the pauses grow, with jitter, to five seconds. It connects only while there are requests for
/// the connection; an ``AMQPConsumerSession`` requests it all the time.
///
/// Use separate clients to publish and to consume: a broker that is short of memory or disk stops reading from
/// connections that publish, which would hold up their consumers' acknowledgements.
package final class AMQPClient: Sendable {
    private let core: ClientCore

    /// Creates a client. It does not connect yet.
    ///
    /// - Parameters:
    ///   - configurations: The brokers, in the order to try them.
    ///   - eventLoopGroup: A `MultiThreadedEventLoopGroup`; the connection runs on one of its event loops.
    ///   - logger: The logger for failed and lost connections.
    package init(configurations: [AMQPConfiguration], eventLoopGroup: any EventLoopGroup, logger: Logger) {
        core = ClientCore(configurations, on: eventLoopGroup.next(), logger: logger)
    }

    /// The event loop that connections run on.
    package var eventLoop: any EventLoop { core.eventLoop }

    /// The connection, made now if there is none.
    ///
    /// - Throws: `AMQPError`. If no broker can be reached within the sum of the list's `connectTimeout`s, the error of
    ///   the last attempt. If every broker refuses the credentials or the certificate, that error immediately.
    ///   `connectionClosed` after ``close()``; `cancelled`.
    package func connection() async throws(AMQPError) -> AMQPConnection {
        try await core.connection()
    }

    deinit {
        eventLoop.execute { [core] in core.assumeIsolated { $0.abandon() } }
    }

    /// Publishes messages on one of the connection's two shared confirm channels: the first is for publications that go
    /// only to the default exchange, the second for all others.
    ///
    /// If the broker answers a message with a channel error (404 for a missing exchange), it closes that channel, and
    /// every publish in flight on it fails too. The next publish reopens the channel.
    ///
    /// - Returns: The outcome for each message, in order.
    /// - Throws: `AMQPError`, as ``AMQPChannel/publish(_:)`` and ``connection()``. If `nothingSent` is false, the
    ///   messages may or may not have reached their queues, and sending them again may duplicate them.
    package func publish(_ messages: [AMQPPublish]) async throws(AMQPError) -> [AMQPPublishOutcome] {
        let kind: SharedChannels.Kind = messages.allSatisfy(\.exchange.isEmpty) ? .toQueues : .toExchanges
        var attempt = 0
        while true {
            attempt += 1
            do {
                let channel = try await connection().publisherChannel(kind)
                return try await channel.publish(messages)
            } catch {
                // The channel or the connection ended between the lookup and its use.
                let isStale = error.nothingSent && (error.code.endsChannel || error.code.endsConnection)
                guard isStale, attempt < 3 else { throw error }
            }
        }
    }

    /// Waits until the server answers on a channel that is opened for that, as everybody may.
    ///
    /// - Throws: `AMQPError`, as ``connection()``.
    package func checkHealth() async throws(AMQPError) {
        try await connection().withChannel { _ throws(AMQPError) in }
    }

    /// Closes the connection gracefully, for good. All waiting calls fail with `connectionClosed`.
    package func close() async {
        await core.close()
    }

    /// Has ``close()`` wait for nothing from now on: somebody has found that the broker does not answer, or waits no longer.
    package func doubt() {
        eventLoop.execute { [core] in core.assumeIsolated { $0.doubt() } }
    }
}

extension AMQPError.Code {
    fileprivate var endsChannel: Bool { self == .channelClosed || self == .channelClosedByServer }

    fileprivate var endsConnection: Bool { self == .connectionLost || self == .connectionClosedByServer }
}

#endif
