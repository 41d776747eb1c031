#if Redis
import CeleriacCore
import CeleriacQueues
import CeleriacRedis
import CeleriacWire
import CeleryWire

extension CeleryRedisBroker: ClaimReturningBroker {
    /// Looks through `unacked`, which has the claims of all queues.
    package func giveBackClaims(beginning prefix: String, in queues: [String]) async throws -> Int {
        var found: [String: KombuClaim] = [:]
        var cursor = "0"
        repeat {
            // Prefixes are ids of ours: no character of theirs has a meaning in a pattern.
            let scan = RedisCommand("HSCAN", keys.unacked, cursor, "MATCH", prefix + "*", "COUNT", 500)
            let reply = try await client.look([scan]).first?.array ?? []
            cursor = reply.first?.string ?? "0"
            let fields = reply.dropFirst().first?.array ?? []
            for place in stride(from: 0, to: fields.count - 1, by: 2) {
                guard let tag = fields[place].string, let claim = fields[place + 1].bytes.flatMap({ KombuClaim($0) })
                else { continue }
                found[tag] = claim
            }
        } while cursor != "0"
        // The newest goes to the front first. Claims of consumers of ours name their queue, by the default exchange.
        let claims = found.filter { queues.contains($0.value.routingKey) }
            .sorted { ClaimTag.serial(of: $0.key) > ClaimTag.serial(of: $1.key) }
        var count = 0
        for (tag, claim) in claims {
            let envelope = try? KombuEnvelope.decode(claim.payload, limits: limits.ofAnySize)
            let marked = try? KombuEnvelope.markedRedelivered(claim.payload, limits: limits.ofAnySize)
            let list = keys.list(claim.routingKey, priority: envelope?.message.properties.priority ?? 0)
            let command = keys.replaceClaim(tag, by: marked ?? claim.payload, in: [list], end: "R")
            count += try await client.look([command]).first?.int ?? 0
        }
        return count
    }
}
#endif
