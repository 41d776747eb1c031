#if Redis
package import CeleriacCore
package import CeleriacRedis
package import Logging

/// Commands that end claims for good, or put the claimed messages back.
package struct ClaimEnding: Sendable {
    /// The serials of the claims at their consumer.
    package let serials: [UInt64]
    /// The commands that end them. They name the claims' tags, so that ending a claim twice does no harm.
    package let commands: [RedisCommand]
    private let standing: Standing?

    /// How many of the claims stood until then, as the replies say; nil if they do not.
    package typealias Standing = @Sendable (_ replies: ArraySlice<RedisValue>) -> Int?

    /// Creates an ending.
    ///
    /// - Parameters:
    ///   - serials: the serials of the claims at their consumer.
    ///   - commands: the commands that end them.
    ///   - standing: how many claims stood, where the commands deal with the messages for good.
    package init(_ serials: [UInt64], _ commands: [RedisCommand], standing: Standing? = nil) {
        self.serials = serials
        self.commands = commands
        self.standing = standing
    }

    /// Whether some of the claims may have been restored by another worker before, so that their messages come again.
    package func cameTooLate(_ replies: ArraySlice<RedisValue>) -> Bool {
        guard let count = standing?(replies) else { return false }
        return count < serials.count
    }
}

extension RedisClient {
    /// Ends claims, all in one round trip, and calls `onEnd` with each that has ended and its replies. Throws what
    /// ``send(_:)`` throws, and `server` if the server refused an ending; the others are carried out even then.
    package func end(_ endings: [ClaimEnding], onEnd: (ClaimEnding, ArraySlice<RedisValue>) -> Void)
        async throws(RedisError)
    {
        let refused = try await attempt(endings, onEnd: onEnd)
        if let refusal = refused.first?.error { throw RedisError(refusal) }
    }

    /// Ends claims, and retries for as long as the server is out of reach or temporarily unable. It pauses between
    /// tries with `timers`, logs each pause, and gives up instead of pausing once `isLastTry` returns true. It calls
    /// `onEnd` with each ending that was carried out and its replies. Throws what ``end(_:onEnd:)`` throws, once everything
    /// else is carried out.
    package func end(
        _ endings: [ClaimEnding], timers: any TimerSource, logger: Logger, isLastTry: () -> Bool,
        onEnd: (ClaimEnding, ArraySlice<RedisValue>) -> Void
    ) async throws(RedisError) {
        var outstanding = endings
        var final: RedisError?
        var backoff = Backoff()
        while !outstanding.isEmpty {
            let obstacle: RedisError
            do {
                let refused = try await attempt(outstanding, onEnd: onEnd)
                final = refused.first { !$0.error.isTemporary }.map { RedisError($0.error) } ?? final
                let temporary = refused.filter { $0.error.isTemporary }
                outstanding = temporary.map(\.ending)
                guard let first = temporary.first else { break }
                obstacle = RedisError(first.error)
            } catch {
                obstacle = error
            }
            guard obstacle.isOutOfReach, !isLastTry() else { throw obstacle }
            let pause = backoff.next()
            logger.warning(
                "cannot settle messages, trying again",
                metadata: ["error": "\(obstacle)", "seconds": "\(pause.seconds)"])
            // The task was cancelled, so it can wait no longer.
            do { try await timers.sleep(for: pause) } catch { throw obstacle }
        }
        if let final { throw final }
    }

    /// Sends endings.
    ///
    /// - Returns: the endings that the server refused, each with the reason.
    private func attempt(
        _ endings: [ClaimEnding], onEnd: (ClaimEnding, ArraySlice<RedisValue>) -> Void
    ) async throws(RedisError) -> [(ending: ClaimEnding, error: RedisServerError)] {
        guard !endings.isEmpty else { return [] }
        var replies = try await send(endings.flatMap(\.commands))[...]
        var refused: [(ending: ClaimEnding, error: RedisServerError)] = []
        for ending in endings {
            let mine = replies.prefix(ending.commands.count)
            replies = replies.dropFirst(ending.commands.count)
            // The error of a command inside a transaction is an element of the array that ends the transaction.
            if let error = mine.lazy.compactMap({ $0.error ?? $0.array?.lazy.compactMap(\.error).first }).first {
                refused.append((ending, error))
            } else {
                onEnd(ending, mine)
            }
        }
        return refused
    }
}
#endif
