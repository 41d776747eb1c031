#if Redis
package import CeleriacCore
package import CeleriacRedis
package import Logging

/// Commands that end claims for good, or put back what was claimed.
package struct ClaimEnding: Sendable {
    /// The claims, by the numbers that their consumer gave them.
    package let serials: [UInt64]
    /// What ends them. Claims name their tags, so that ending one twice does no harm.
    package let commands: [RedisCommand]

    /// Creates an ending.
    package init(_ serials: [UInt64], _ commands: [RedisCommand]) {
        self.serials = serials
        self.commands = commands
    }
}

extension RedisClient {
    /// Ends claims, all in one round trip.
    ///
    /// - Parameter onEnd: called with the serials of the claims that were ended.
    /// - Throws: As ``send(_:)``, and `server` where the server refused an ending; the others were carried out then.
    package func end(_ endings: [ClaimEnding], onEnd: ([UInt64]) -> Void) async throws(RedisError) {
        let refused = try await attempt(endings, onEnd: onEnd)
        if let refusal = refused.first?.error { throw RedisError(refusal) }
    }

    /// Ends claims, and tries again for as long as the server is out of reach or cannot do it now.
    ///
    /// - Parameters:
    ///   - timers: for the pauses between tries.
    ///   - logger: where each pause is logged.
    ///   - isLastTry: asked before each pause, whether to give up instead.
    ///   - onEnd: called with the serials of the claims that were ended.
    /// - Throws: As ``end(_:onEnd:)``, once everything else was carried out.
    package func end(
        _ endings: [ClaimEnding], timers: any TimerSource, logger: Logger, isLastTry: () -> Bool,
        onEnd: ([UInt64]) -> Void
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
            // Cancelled: it cannot wait any more.
            do { try await timers.sleep(for: pause) } catch { throw obstacle }
        }
        if let final { throw final }
    }

    /// Sends endings.
    ///
    /// - Returns: those that the server refused, each with why.
    private func attempt(
        _ endings: [ClaimEnding], onEnd: ([UInt64]) -> Void
    ) async throws(RedisError) -> [(ending: ClaimEnding, error: RedisServerError)] {
        guard !endings.isEmpty else { return [] }
        var replies = try await send(endings.flatMap(\.commands))[...]
        var refused: [(ending: ClaimEnding, error: RedisServerError)] = []
        for ending in endings {
            let mine = replies.prefix(ending.commands.count)
            replies = replies.dropFirst(ending.commands.count)
            // What fails inside a transaction stands in the array that ends it.
            if let error = mine.lazy.compactMap({ $0.error ?? $0.array?.lazy.compactMap(\.error).first }).first {
                refused.append((ending, error))
            } else {
                onEnd(ending.serials)
            }
        }
        return refused
    }
}
#endif
