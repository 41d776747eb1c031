#if Redis
package import CeleriacCore
import CeleriacQueues
import CeleriacRedis
import CeleriacWire

import struct FoundationEssentials.Date

/// What a killed worker held stays in keys of ours, where Go workers do not look. While a Celeriac worker serves the
/// queue, it puts that back; this is for a queue without one.
extension MachineryRedisBroker: ClaimKeeper {
    /// Lists what workers hold of a queue.
    package func claims(in queue: String) async throws -> [ClaimedMessage] {
        let keys = keys(of: queue)
        let end = try await lastTimeOfExpired
        let pageSize = 500
        var claims: [ClaimedMessage] = []
        var start = 0
        while true {
            let range = RedisCommand("ZRANGE", keys.claimed, start, start + pageSize - 1, "WITHSCORES")
            let found = try await client.look([range]).first?.array ?? []
            let all = stride(from: 0, to: found.count - 1, by: 2).compactMap { place -> (String, Double)? in
                guard let tag = found[place].string, let time = found[place + 1].string.flatMap({ Double($0) }) else {
                    return nil
                }
                return (tag, time)
            }
            if all.isEmpty { return claims }
            let sizes = try await client.look(all.map { RedisCommand("HSTRLEN", keys.claims, $0.0) })
            // The next page has the others, which would be too much for one reply.
            let tags = all.prefix(client.configuration.portion(of: sizes.map { $0.int ?? .max }))
            var messages = RedisCommand("HMGET", keys.claims)
            for (tag, _) in tags { messages.append(tag) }
            let bodies = try await client.look([messages]).first?.array ?? []
            for ((tag, time), body) in zip(tags, bodies) {
                // It has ended meanwhile.
                guard let body = body.bytes else { continue }
                claims.append(
                    ClaimedMessage(
                        id: tag, content: WireMessage(body: body), renewed: Date(timeIntervalSince1970: time),
                        isExpired: time <= end))
            }
            start += tags.count < all.count ? tags.count : pageSize
        }
    }

    /// Puts back what workers held that have ended.
    package func giveBackExpiredClaims(in queue: String) async throws -> Int {
        let portion = 500
        let end = try await lastTimeOfExpired
        var count = 0
        while true {
            let reply = try await client.look([
                .evaluate(
                    MachineryScripts.restore, keys: keys(of: queue).all, arguments: [end, portion])
            ])
            let restored = reply.first?.int ?? 0
            count += restored
            if restored < portion { return count }
        }
    }

    /// A claim that was last renewed then has just expired, by the server's clock: that of this machine may be wrong.
    private var lastTimeOfExpired: Double {
        get async throws {
            let time = try await client.look([RedisCommand("TIME")]).first?.array?.first?.string
            guard let seconds = time.flatMap({ Double($0) }) else {
                throw CeleriacError(.configuration, "\(name) does not say what time it is")
            }
            return seconds - settings.claimLifetime.seconds
        }
    }
}
#endif
