#if Redis
package import CeleriacCore
package import CeleriacRedis
import CeleriacWire

/// The operations that the brokers and result stores of both dialects share.
extension RedisClient {
    // MARK: Messages

    /// Pushes messages, all in one round trip.
    ///
    /// - Parameters:
    ///   - messages: the commands, one for each message.
    ///   - declarations: commands to send before them.
    /// - Returns: the error of a declaration that the server refused; nil if it refused none.
    /// - Throws: ``CeleriacError`` with code `unavailable` or `publishFailed`; ``PartialPublishError`` if the server refused
    ///   some messages.
    package func publish(
        _ messages: [RedisCommand], after declarations: [RedisCommand] = []
    ) async throws -> RedisServerError? {
        let replies: [RedisValue]
        do {
            replies = try await send(declarations + messages)
        } catch {
            throw CeleriacError(
                error.failureCode(otherwise: .publishFailed),
                "\(messages.count.counting("message was", "messages were")) not confirmed by \(configuration)",
                cause: error)
        }
        var refused: [Int: CeleriacError] = [:]
        for (index, reply) in replies.dropFirst(declarations.count).enumerated() {
            guard let refusal = reply.error else { continue }
            refused[index] = CeleriacError(
                refusal.isTemporary ? .unavailable : .publishFailed, "\(configuration) refused a message",
                cause: refusal)
        }
        try PartialPublishError.check(refused: refused, of: messages.count)
        return replies.prefix(declarations.count).lazy.compactMap(\.error).first
    }

    /// How many messages are in these lists.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` or `configuration`.
    package func depth(of lists: [String]) async throws(CeleriacError) -> Int {
        try await look(lists.map { RedisCommand("LLEN", $0) }).compactMap(\.int).reduce(0, +)
    }

    /// Deletes lists.
    ///
    /// - Returns: how many messages the lists held.
    /// - Throws: ``CeleriacError`` with code `unavailable` or `configuration`.
    package func purge(_ lists: [String]) async throws(CeleriacError) -> Int {
        let deletions = lists.flatMap { [RedisCommand("LLEN", $0), RedisCommand("DEL", $0)] }
        let replies = try await look([RedisCommand("MULTI")] + deletions + [RedisCommand("EXEC")])
        let answers = replies.last?.array ?? []
        return stride(from: 0, to: answers.count, by: 2).compactMap { answers[$0].int }.reduce(0, +)
    }

    /// Sends queue maintenance commands.
    package func look(_ commands: [RedisCommand]) async throws(CeleriacError) -> [RedisValue] {
        try await send(commands, failure: .configuration, "cannot manage the queues at \(configuration)")
    }

    // MARK: Results

    /// Sends commands of a result store.
    ///
    /// - Parameters:
    ///   - commands: the commands.
    ///   - keysAreAlike: whether a user that may not use a key of these may use none of the store's. Otherwise the right may
    ///     be lacking for a name that somebody else has chosen.
    /// - Returns: the replies.
    /// - Throws: ``CeleriacError`` with code `unavailable` or `resultStore`, also if the server refuses one of the
    ///   commands.
    package func results(
        _ commands: [RedisCommand], keysAreAlike: Bool = false
    ) async throws(CeleriacError) -> [RedisValue] {
        do {
            return try await send(commands, failure: .resultStore, "cannot use the results in \(configuration)")
        } catch {
            guard keysAreAlike, let refusal = error.cause as? RedisServerError, refusal.isLackOfRight else {
                throw error
            }
            throw CeleriacError(
                error.code, error.message,
                cause: RedisError(.keysRefused, "The user lacks the right to them.", serverError: refusal))
        }
    }

    /// The values of these keys; nil for a key that does not exist.
    ///
    /// - Throws: As ``results(_:keysAreAlike:)``.
    package func fetchResults(
        _ keys: [String], keysAreAlike: Bool = false
    ) async throws(CeleriacError) -> [[UInt8]?] {
        guard !keys.isEmpty else { return [] }
        var command = RedisCommand("MGET")
        for key in keys { command.append(key) }
        let values = try await results([command], keysAreAlike: keysAreAlike).first?.array ?? []
        return keys.indices.map { values.indices.contains($0) ? values[$0].bytes : nil }
    }

    /// Deletes these keys.
    ///
    /// - Throws: As ``results(_:keysAreAlike:)``.
    package func deleteResults(_ keys: [String]) async throws(CeleriacError) {
        guard !keys.isEmpty else { return }
        var command = RedisCommand("DEL")
        for key in keys { command.append(key) }
        _ = try await results([command])
    }

    /// Connects to a result store and logs in, if that has not happened.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` if the login or the database is refused, or the server is none
    ///   that the settings fit. One that does not answer is left to whoever needs it.
    package func checkUse(of name: String) async throws(CeleriacError) {
        do throws(RedisError) {
            try await reach(within: .seconds(5))
        } catch {
            // The right to PING alone may be lacking.
            guard error.isRefusalOfAll, !error.isOutOfReach || error.isRefusedLogin, !error.isLackOfRight else {
                return
            }
            throw CeleriacError(.configuration, "cannot use the result store \(name)", cause: error)
        }
    }

    /// Asks whether the server serves this user. A server that is not there is told by the first attempt to connect.
    ///
    /// - Parameter timeout: How long the answer may take once there is a connection.
    /// - Throws: ``RedisError``, also if the server refuses the command.
    func reach(within timeout: Duration) async throws(RedisError) {
        let reply = try await send([RedisCommand("PING")], timeout: timeout, waitsForServer: false).first
        if let error = reply?.error { throw RedisError(error) }
    }

    private func send(
        _ commands: [RedisCommand], failure code: CeleriacError.Code, _ message: String
    ) async throws(CeleriacError) -> [RedisValue] {
        guard !commands.isEmpty else { return [] }
        let replies: [RedisValue]
        do {
            replies = try await send(commands)
        } catch {
            throw CeleriacError(error.failureCode(otherwise: code), message, cause: error)
        }
        if let refusal = replies.lazy.compactMap(\.error).first {
            throw CeleriacError(
                refusal.isTemporary ? .unavailable : code, "\(configuration) refused a command", cause: refusal)
        }
        return replies
    }
}
#endif
