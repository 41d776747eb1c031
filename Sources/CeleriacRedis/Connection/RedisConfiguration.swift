#if Redis

/// The address of a Redis server, and the settings of connections to it.
package struct RedisConfiguration: Sendable {
    /// The host's name or address. Ignored if ``unixSocketPath`` is set.
    package var host: String
    /// The TCP port.
    package var port: Int
    /// The sentinels that name host and port for each connection, which then leads to a primary; `nil` for the ones
    /// that stand here.
    package var sentinels: RedisSentinels?
    /// Further nodes of a cluster, which is found by any of them; empty if host and port are all.
    package var seeds: [RedisAddress] = []
    /// Whether the server may be a cluster, or must be one.
    package var clusterRule = RedisClusterRule.allowed
    /// Whether host and port are those of one node of a cluster, for which no other can stand in.
    var isNode = false
    /// What is known of the cluster, if the server is a node of one.
    private(set) var topology = RedisTopology()
    /// The path of the server's Unix socket, which replaces host and port.
    package var unixSocketPath: String?
    /// The user of an access control list; `nil` for the server's default user.
    package var user: String?
    /// The password. Without a user and a password, no `AUTH` is sent.
    package var password: String?
    /// The file whose first line is the password. It is read for each connection, so that its content can change; nil for
    /// the ``password`` that stands here.
    package var passwordFile: String?
    /// Tells user and password for each connection, so that they can change; `nil` for the ones that stand here. The
    /// answer counts against ``connectTimeout``.
    package var credentials: (@Sendable () async throws -> (user: String?, password: String))?
    /// The number of the database.
    package var database: Int
    /// The encryption settings; `nil` for no encryption.
    package var tls: RedisTLS?
    /// How long connecting may take in all: name resolution, TCP, TLS and login. It also limits how long a call waits
    /// while there is no connection.
    package var connectTimeout = Duration.seconds(5)
    /// How long the server may take to answer a batch of commands that has no limit of its own.
    package var commandTimeout = Duration.seconds(30)
    /// The shortest and the longest pause between two attempts to connect. Each failed attempt doubles the pause. A
    /// random part of up to a half is taken off, so that many clients do not reconnect at the same moment.
    package var reconnectPause = Duration.milliseconds(50)...Duration.seconds(2)
    /// How often a ``RedisPubSub`` pings its server to check that it is still there.
    package var pingInterval = Duration.seconds(25)
    /// How many pings may stay unanswered before the connection is dropped.
    package var toleratedPings = 2
    /// The size of the largest accepted reply in bytes, at most 1 GiB. A larger reply closes the connection.
    package var maximumReplyBytes = 512 * 1024 * 1024
    /// ``portionBytes`` with the usual limits.
    package static let largestPortion = 16 << 20
    /// How many bytes of messages to ask for at once, unless one has more: a reply has a limit, and holds up others.
    package var portionBytes: Int { max(1, min(Self.largestPortion, maximumReplyBytes / 2)) }
    /// The connection's name in the server's `CLIENT LIST`.
    package var clientName: String?

    /// Creates a configuration with the usual limits.
    package init(host: String = "localhost", port: Int = 6379, database: Int = 0) {
        self.host = host
        self.port = port
        self.database = database
    }

    /// How many values of these sizes to ask for at once, from the first on: one at least, if there is one.
    package func portion(of sizes: [Int]) -> Int {
        var room = portionBytes
        for (index, size) in sizes.enumerated() {
            if size > room { return max(1, index) }
            room -= max(0, size)
        }
        return sizes.count
    }
}

extension RedisConfiguration: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The server, the sentinels that name it, or the nodes of the cluster, as a URL without the password.
    package var description: String {
        let login = password == nil && user == nil ? "" : "\(user ?? ""):***@"
        if let sentinels {
            return sentinels.addresses.map { "sentinel://\(login)\($0)/\(database)" }.joined(separator: ";")
        }
        if let unixSocketPath {
            return "redis+socket://\(login)\(unixSocketPath)?virtual_host=\(database)"
        }
        let addresses = ([address] + seeds).map { "\($0)" }.joined(separator: ",")
        return "\(tls == nil ? "redis" : "rediss")://\(login)\(addresses)/\(database)"
    }

    /// Where the server listens.
    package var address: RedisAddress { RedisAddress(host: host, port: port) }

    /// What to say of a server of which the sentinels, if there are any, have named the address.
    var place: String {
        guard let sentinels else { return description }
        return "\(address), which the sentinels call the primary '\(sentinels.primaryName)',"
    }

    /// The same as ``description``, since a password does not belong in a log at any level.
    package var debugDescription: String { description }

    /// Shows only ``description``, so that `dump` does not print the password either.
    package var customMirror: Mirror { Mirror(self, children: ["url": description]) }
}
#endif
