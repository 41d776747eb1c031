#if Redis

/// The commands that start a connection, and the meaning of their replies.
enum RedisLogin {
    /// The purpose of a login command.
    enum Purpose: Sendable {
        case authenticate
        case identify
        case select
        case setName
    }

    /// What a server says of itself and of the connection.
    struct Identity: Sendable, Hashable {
        /// The server's id for the connection; `nil` if the server does not report it.
        var clientID: Int64?
        /// Whether the server is a node of a cluster.
        var isCluster = false
    }

    /// The commands for a configuration, to be sent in order.
    static func steps(_ configuration: RedisConfiguration) -> [(purpose: Purpose, command: RedisCommand)] {
        var steps: [(Purpose, RedisCommand)] = []
        if let user = configuration.user {
            steps.append((.authenticate, RedisCommand("AUTH", user, configuration.password ?? "")))
        } else if let password = configuration.password {
            steps.append((.authenticate, RedisCommand("AUTH", password)))
        }
        // This tells role and mode as ROLE and INFO do, which are among the dangerous commands that a user may not have;
        // HELLO everybody has. It also shows whether the server serves clients at all, when there is no other step.
        steps.append((.identify, RedisCommand("HELLO", 2)))
        if configuration.database != 0 {
            steps.append((.select, RedisCommand("SELECT", configuration.database)))
        }
        if let name = configuration.clientName {
            steps.append((.setName, RedisCommand("CLIENT", "SETNAME", name)))
        }
        return steps
    }

    /// Judges the replies to a step.
    ///
    /// - Returns: What the server says of itself, if the step asks for that.
    /// - Throws: `authenticationFailed`, `connectFailed` (another attempt may succeed), `unsuitableServer`, `server`.
    static func judge(
        _ replies: [RedisValue], of purpose: Purpose, at configuration: RedisConfiguration
    ) throws(RedisError) -> Identity? {
        guard let reply = replies.first else { return nil }
        if let error = reply.error {
            try judge(error, purpose, configuration)
            return nil
        }
        guard purpose == .identify, reply.array != nil else { return nil }
        if configuration.sentinels != nil, ["replica", "slave"].contains(reply.field("role")?.string) {
            throw RedisError(
                .connectFailed, "The server that the sentinels named is a replica. A fail-over may be under way.")
        }
        let mode = reply.field("mode")?.string
        if let mode { try configuration.check(isCluster: mode == "cluster") }
        return Identity(clientID: reply.field("id")?.int.map { Int64($0) }, isCluster: mode == "cluster")
    }

    private static func judge(
        _ error: RedisServerError, _ purpose: Purpose, _ configuration: RedisConfiguration
    ) throws(RedisError) {
        let place = configuration.place
        switch error.code {
        case "NOAUTH", "WRONGPASS":
            throw RedisError(
                .authenticationFailed, "\(place) refused the login: check the user and the password.",
                serverError: error, isOfConnecting: true)
        case "LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN", "DENIED":
            throw RedisError(.connectFailed, "The server cannot serve clients at the moment.", serverError: error)
        default:
            break
        }
        if error.message.hasPrefix("max number of clients") {
            throw RedisError(.connectFailed, "The server has no room for another connection.", serverError: error)
        }
        switch purpose {
        case .authenticate:
            throw RedisError(
                .authenticationFailed, "\(place) refused the login: check the user and the password.",
                serverError: error, isOfConnecting: true)
        case .select:
            throw RedisError(
                .server, "\(place) refused the database \(configuration.database): check its number.",
                serverError: error, isOfConnecting: true)
        case .setName, .identify:
            // Old servers and narrow access rights refuse these commands; the connection works without them. One that
            // leads to a replica ends with the first write.
            break
        }
    }
}
#endif
