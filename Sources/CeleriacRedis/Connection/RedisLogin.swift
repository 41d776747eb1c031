#if Redis

/// The commands that start a connection, and the meaning of their replies.
enum RedisLogin {
    /// The purpose of a login command.
    enum Purpose: Sendable {
        case authenticate
        case checkRole
        case select
        case setName
        case identify
    }

    /// The commands for a configuration, to be sent in order; the last one is `identify`.
    static func steps(_ configuration: RedisConfiguration) -> [(purpose: Purpose, command: RedisCommand)] {
        var steps: [(Purpose, RedisCommand)] = []
        if let user = configuration.user {
            steps.append((.authenticate, RedisCommand("AUTH", user, configuration.password ?? "")))
        } else if let password = configuration.password {
            steps.append((.authenticate, RedisCommand("AUTH", password)))
        }
        if configuration.sentinels != nil {
            // This tells the role as ROLE does, which is among the dangerous commands that a user may not have.
            steps.append((.checkRole, RedisCommand("HELLO", 2)))
        }
        if configuration.database != 0 {
            steps.append((.select, RedisCommand("SELECT", configuration.database)))
        }
        if let name = configuration.clientName {
            steps.append((.setName, RedisCommand("CLIENT", "SETNAME", name)))
        }
        // This step also shows whether the server serves clients at all, when there is no other step.
        steps.append((.identify, RedisCommand("CLIENT", "ID")))
        return steps
    }

    /// Judges the replies to a step.
    ///
    /// - Returns: The server's id for the connection, if the reply reports it.
    /// - Throws: `authenticationFailed`, `connectFailed` (another attempt may succeed), `server`.
    static func judge(_ replies: [RedisValue], of purpose: Purpose) throws(RedisError) -> Int64? {
        switch (purpose, replies.first) {
        case (.identify, .integer(let number)):
            return number
        case (.checkRole, let hello?) where ["replica", "slave"].contains(hello.field("role")?.string):
            throw RedisError(
                .connectFailed, "The server that the sentinels named is a replica. A fail-over may be under way.")
        case (_, .error(let error)):
            try judge(error, purpose)
            return nil
        default:
            return nil
        }
    }

    private static func judge(_ error: RedisServerError, _ purpose: Purpose) throws(RedisError) {
        switch error.code {
        case "NOAUTH", "WRONGPASS":
            throw RedisError(
                .authenticationFailed, "The server refused the login. Check the user and password.", serverError: error)
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
                .authenticationFailed, "The server refused the login. Check the user and password.", serverError: error)
        case .select:
            throw RedisError(.server, "The server refused the database.", serverError: error)
        case .checkRole, .setName, .identify:
            // Old servers and narrow access rights refuse these commands; the connection works without them. One that
            // leads to a replica ends with the first write.
            break
        }
    }
}
#endif
