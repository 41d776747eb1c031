#if AMQP

/// What holds for the connections to all brokers of a list, unless the URL of one says otherwise.
package struct AMQPConnectionDefaults: Sendable, Hashable {
    /// Time limit for connecting; `nil` for that of ``AMQPConfiguration``.
    package var connectTimeout: Duration?
    /// Longest silence on the connection, in whole seconds; zero turns heartbeats off, `nil` is for the default of
    /// ``AMQPConfiguration``.
    package var heartbeat: Duration?
    /// The authentication mechanism.
    package var authentication = AMQPAuthentication.plain
    /// TLS settings, also for URLs without TLS; `nil` leaves it to the URL.
    package var tls: AMQPTLS?

    /// Creates defaults that leave everything to the URLs.
    package init() {}
}

#endif
