#if Redis
package import CeleriacCore
import CeleriacQueues
import CeleriacRedis
import CeleriacWire
import MachineryWire

package import struct FoundationEssentials.Date

extension MachineryRedisBroker: ClaimReturningBroker {
    /// Puts back claims that are found beside their queues, without counting that as an attempt.
    package func giveBackClaims(beginning prefix: String, in queues: [String]) async throws -> Int {
        var count = 0
        for queue in queues {
            // The newest goes to the front first.
            let tags = try await claims(in: queue).map(\.id).filter { $0.hasPrefix(prefix) }
                .sorted { ClaimTag.serial(of: $0) > ClaimTag.serial(of: $1) }
            for start in stride(from: 0, to: tags.count, by: 500) {
                let arguments: [String] = ["L", "0"] + tags[start..<min(start + 500, tags.count)]
                let command = RedisCommand.evaluate(
                    MachineryScripts.putBack, keys: keys(of: queue).all, arguments: arguments)
                count += try await client.look([command]).first?.int ?? 0
            }
        }
        return count
    }
}

extension MachineryRedisBroker: DelayedMessageKeeper {
    /// Reads the sorted set of delayed tasks.
    package func delayedMessages(
        from time: Date, skipping skipped: Int, limit: Int
    ) async throws -> [DelayedMessage] {
        let range = RedisCommand(
            "ZRANGE", settings.delayedTasks, GoTime(time).unixNanoseconds, "+inf", "BYSCORE", "LIMIT", skipped, limit,
            "WITHSCORES")
        let found = try await client.look([range]).first?.array ?? []
        return stride(from: 0, to: found.count - 1, by: 2).compactMap { place in
            guard let body = found[place].bytes else { return nil }
            let score = found[place + 1].string.flatMap { Double($0) } ?? 0
            let signature = try? MachinerySignature.decode(body)
            let queue = signature.map { $0.routingKey.isEmpty ? defaultQueue : $0.routingKey }
            return DelayedMessage(
                message: WireMessage(body: body), queue: queue,
                // A score has fewer digits than the task's own time.
                time: signature?.eta?.date ?? Date(timeIntervalSince1970: score / 1e9))
        }
    }

    /// The size of the set.
    package func delayedCount() async throws -> Int {
        try await client.look([RedisCommand("ZCARD", settings.delayedTasks)]).first?.int ?? 0
    }

    /// Removes members of the set.
    package func removeDelayed(_ messages: [DelayedMessage]) async throws -> [Bool] {
        let commands = messages.map { RedisCommand("ZREM", settings.delayedTasks, $0.message.body) }
        return try await client.look(commands).map { $0.int == 1 }
    }
}
#endif
