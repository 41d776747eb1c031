#if Redis

/// Where a Redis server is and how it is spoken to.
package struct RedisConfiguration: Sendable {
    /// The host's name or address. Not used where ``unixSocketPath`` is set.
    package var host: String
    /// The TCP port.
    package var port: Int
    /// The path of the server's unix socket, instead of host and port.
    package var unixSocketPath: String?
    /// The user of an access control list; `nil` for the server's default user.
    package var user: String?
    /// The password. Without user and password no `AUTH` is sent.
    package var password: String?
    /// The number of the database.
    package var database: Int
    /// The encryption; `nil` for none.
    package var tls: RedisTLS?
    /// How long making a connection may take in all: name, TCP, TLS, log-in. It is also how long a call waits while
    /// there is no connection.
    package var connectTimeout = Duration.seconds(5)
    /// How long the server may take to answer a batch of commands that has no limit of its own.
    package var commandTimeout = Duration.seconds(30)
    /// The shortest and the longest pause between two attempts to connect. Each failed attempt doubles the pause; a
    /// random part of up to a half is taken off, so that many clients do not come at once.
    package var reconnectPause = Duration.milliseconds(50)...Duration.seconds(2)
    /// How often a ``RedisPubSub`` asks its server whether it is still there.
    package var pingInterval = Duration.seconds(25)
    /// How many of these questions may stay unanswered before the connection is dropped.
    package var toleratedPings = 2
    /// The size of the largest reply that is accepted, in bytes, at most 1 GiB; a larger one closes the connection.
    package var maximumReplyBytes = 512 * 1024 * 1024
    /// The name under which the connection stands in the server's `CLIENT LIST`.
    package var clientName: String?

    /// Creates a configuration with the usual limits.
    package init(host: String = "localhost", port: Int = 6379, database: Int = 0) {
        self.host = host
        self.port = port
        self.database = database
    }
}

extension RedisConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The server as a URL, without the password.
    package var description: String {
        let login = password == nil && user == nil ? "" : "\(user ?? ""):***@"
        if let unixSocketPath {
            return "redis+socket://\(login)\(unixSocketPath)?virtual_host=\(database)"
        }
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return "\(tls == nil ? "redis" : "rediss")://\(login)\(name):\(port)/\(database)"
    }

    /// The same as ``description``: a password does not belong into a log at any level.
    package var debugDescription: String { description }

    /// Shows what ``description`` shows, so that `dump` does not print the password either.
    package var customMirror: Mirror { Mirror(self, children: ["url": description]) }
}
#endif
