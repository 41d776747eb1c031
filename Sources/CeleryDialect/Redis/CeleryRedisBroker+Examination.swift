#if Redis
package import CeleriacCore
import CeleriacRedis
import CeleriacWire

package import struct FoundationEssentials.Date

extension CeleryRedisBroker: ExaminedBroker {
    /// Asks for `INFO` and `TIME`, and tries commands on keys that do not exist.
    package func examine(queue: String, now: @Sendable () -> Date) async throws -> BrokerFacts {
        do throws(RedisError) {
            // The first one connects.
            try await client.send(RedisCommand("PING"))
            var facts = BrokerFacts(software: "Redis")
            let begin = now()
            let time = try await client.send([RedisCommand("TIME")]).first?.array ?? []
            let end = now()
            facts.roundTrip = max(0, end.timeIntervalSince(begin))
            if let seconds = time.first?.int, let microseconds = time.last?.int {
                let server = Double(seconds) + Double(microseconds) / 1e6
                facts.clockOffset = server - (begin.timeIntervalSince1970 + facts.roundTrip / 2)
            }
            for section in ["server", "memory", "persistence", "replication", "cluster"] {
                let reply = try await client.send([RedisCommand("INFO", section)]).first
                facts.properties.merge(Self.properties(in: reply?.string ?? "")) { $1 }
            }
            facts.version = facts.properties["redis_version"] ?? ""
            if let valkey = facts.properties["valkey_version"] { facts.properties["server_version"] = valkey }
            let limit = end.timeIntervalSince1970 - options.visibilityTimeout.seconds - 60
            let count = RedisCommand("ZCOUNT", keys.unackedIndex, 0, limit)
            facts.expiredClaims = try await client.send([count]).first?.int
            facts.refusals = try await refusals(queue)
            return facts
        } catch {
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .configuration, "cannot examine \(name)", cause: error)
        }
    }

    /// The lines of `INFO`.
    static func properties(in text: String) -> [String: String] {
        var properties: [String: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard !line.hasPrefix("#"), let colon = line.firstIndex(of: ":") else { continue }
            properties[String(line[..<colon])] = String(line[line.index(after: colon)...])
        }
        return properties
    }

    /// What workers and clients do, on members and keys that are not there, so that nothing changes.
    private func refusals(_ queue: String) async throws(RedisError) -> [BrokerFacts.Refusal] {
        let nobody = "celeriac.doctor.\(randomUUID())"
        let list = keys.list(queue, step: 0)
        let channel = keys.channel("celery.pidbox", database: configuration.database)
        let replies = keys.binding("reply.celery.pidbox")
        let tries: [(what: String, command: RedisCommand)] = [
            ("look at the queue \(list)", RedisCommand("LLEN", list)),
            ("send to the queue \(list)", RedisCommand("LPUSHX", list + "." + nobody, "")),
            ("take from the queue \(list)", RedisCommand("RPOP", list + "." + nobody)),
            ("look at the claims \(keys.unacked)", RedisCommand("HDEL", keys.unacked, nobody)),
            ("look at the claims \(keys.unackedIndex)", RedisCommand("ZREM", keys.unackedIndex, nobody)),
            ("bind queues in \(keys.binding(queue))", RedisCommand("SREM", keys.binding(queue), nobody)),
            ("count attempts in \(keys.attempts(nobody))", RedisCommand("DEL", keys.attempts(nobody))),
            ("park messages in \(keys.parked(queue))", RedisCommand("RPOP", keys.parked(queue) + "." + nobody)),
            ("run scripts", RedisCommand("EVAL", "return 1", 0)),
            ("publish on the channel \(channel)", RedisCommand("PUBLISH", channel + "." + nobody, "")),
            ("reply to remote control in \(replies)", RedisCommand("SREM", replies, nobody)),
        ]
        let answers = try await client.send(tries.map(\.command))
        return zip(tries, answers).compactMap { attempt, reply in
            reply.error.flatMap { error in
                // Another kind of value under the key is no lack of a right, but as bad.
                ["NOPERM", "WRONGTYPE", "READONLY"].contains(error.code)
                    ? BrokerFacts.Refusal(what: attempt.what, why: "\(error)") : nil
            }
        }
    }
}
#endif
