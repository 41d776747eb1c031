#if Redis
package import CeleriacCore
import CeleriacRedis
import CeleriacWire
import CeleryWire

package import struct FoundationEssentials.Date

extension CeleryRedisBroker: CensusBroker {
    /// How many claims are looked at. What is beyond that is only counted together.
    private static let mostClaims = 100_000
    /// How many keys or fields are asked for at once.
    private static let page = 500

    /// Counts lists, and looks at the claims in `unacked`, which has those of all queues.
    package func census(of queues: [String], now: Date) async throws -> BrokerCensus {
        try await asking { () async throws(RedisError) -> BrokerCensus in
            var census = BrokerCensus(queues: [])
            for name in queues { census.queues.append(try await count(name, now: now)) }
            let claims = try await claims(now: now)
            for index in census.queues.indices {
                let found = claims.counts[census.queues[index].name]
                census.queues[index].held = found?.held ?? 0
                census.queues[index].scheduled = found?.scheduled ?? 0
            }
            if claims.rest > 0 {
                census.gaps.append("\(claims.rest) of the messages that workers hold are too many to be looked at")
            }
            return census
        }
    }

    private func count(_ queue: String, now: Date) async throws(RedisError) -> QueueCensus {
        let lists = keys.prioritySteps.map { keys.list(queue, step: $0) }
        let counted = lists + lists.map(keys.handover)
        let replies = try await client.send(
            counted.map { RedisCommand("LLEN", $0) } + [RedisCommand("LLEN", keys.parked(queue))]
                // The oldest is at the end that workers take from.
                + lists.map { RedisCommand("LINDEX", $0, -1) })
        // What was not counted is not nothing: whoever waits until a queue is empty would go on too early.
        if let refusal = replies.lazy.compactMap(\.error).first { throw RedisError(refusal) }
        var census = QueueCensus(queue)
        census.waiting = replies.prefix(counted.count).compactMap(\.int).reduce(0, +)
        census.parked = replies.dropFirst(counted.count).first?.int ?? 0
        let oldest = replies.suffix(lists.count).compactMap(\.bytes).compactMap { age(of: $0, now: now) }
        census.oldestAge = oldest.max()
        return census
    }

    /// How old a message is, if its sender has noted when it was sent. Celery's do not.
    private func age(of payload: [UInt8], now: Date) -> Double? {
        guard let time = (try? KombuEnvelope.decode(payload, limits: limits))?.message.properties.timestamp else {
            return nil
        }
        return max(0, now.timeIntervalSince1970 - Double(time))
    }

    /// The claims by queue, and how many were not looked at.
    private func claims(
        now: Date
    ) async throws(RedisError) -> (counts: [String: (held: Int, scheduled: Int)], rest: Int) {
        let total = try await client.send(RedisCommand("HLEN", keys.unacked)).int ?? 0
        var counts: [String: (held: Int, scheduled: Int)] = [:]
        var routes: [BrokerBinding: [String]] = [:]
        var seen: Set<String> = []
        var cursor = "0"
        repeat {
            let scan = RedisCommand("HSCAN", keys.unacked, cursor, "COUNT", Self.page)
            let reply = try await client.send(scan).array ?? []
            cursor = reply.first?.string ?? "0"
            let fields = reply.dropFirst().first?.array ?? []
            for index in stride(from: 0, to: fields.count - 1, by: 2) {
                // A scan may return a claim twice.
                guard let tag = fields[index].string, seen.insert(tag).inserted,
                    let claim = fields[index + 1].bytes.flatMap({ KombuClaim($0) })
                else { continue }
                let isScheduled = isScheduled(claim.payload, now: now)
                for queue in try await self.queues(of: claim, &routes) {
                    counts[queue, default: (0, 0)].held += 1
                    if isScheduled { counts[queue, default: (0, 0)].scheduled += 1 }
                }
            }
        } while cursor != "0" && seen.count < Self.mostClaims
        return (counts, cursor == "0" ? 0 : max(0, total - seen.count))
    }

    /// The queues that a claim was taken from: kombu notes its exchange and its routing key.
    private func queues(
        of claim: KombuClaim, _ known: inout [BrokerBinding: [String]]
    ) async throws(RedisError) -> [String] {
        if claim.exchange.isEmpty { return [claim.routingKey] }
        let route = BrokerBinding(queue: "", exchange: claim.exchange, routingKey: claim.routingKey)
        if let queues = known[route] { return queues }
        let found = try await keys.queues(boundTo: claim.exchange, routingKey: claim.routingKey, client: client)
        // Where nobody is bound any more, the routing key says most.
        let queues = found.isEmpty ? [claim.routingKey] : found
        known[route] = queues
        return queues
    }

    private func isScheduled(_ payload: [UInt8], now: Date) -> Bool {
        guard let envelope = try? KombuEnvelope.decode(payload, limits: limits.ofAnySize),
            let eta = envelope.message.headers["eta"]?.stringValue.flatMap({ CeleryTime.date($0) })
        else { return false }
        return eta > now
    }

    // MARK: Bindings

    /// Reads kombu's sets of bindings. Those of remote control and events are left out: they are no queues of tasks.
    package func bindings() async throws -> [BrokerBinding] {
        try await asking { () async throws(RedisError) -> [BrokerBinding] in
            let prefix = keys.binding("")
            var names: Set<String> = []
            var cursor = "0"
            repeat {
                let scan = RedisCommand("SCAN", cursor, "MATCH", Self.escaped(prefix) + "*", "COUNT", Self.page)
                // A scan names no key. In a cluster the read beside it leads it to the node that has the keys.
                let replies = try await client.send([RedisCommand("SMEMBERS", prefix), scan])
                if let refusal = replies.lazy.compactMap(\.error).first { throw RedisError(refusal) }
                let reply = replies.last?.array ?? []
                cursor = reply.first?.string ?? "0"
                names.formUnion((reply.dropFirst().first?.array ?? []).compactMap(\.string))
            } while cursor != "0"
            var bindings: [BrokerBinding] = []
            for name in names.sorted() {
                let exchange = String(name.dropFirst(prefix.count))
                if exchange.hasSuffix(".pidbox") || exchange == CeleryEvent.exchange { continue }
                let reply = try await client.send([RedisCommand("SMEMBERS", name)]).first
                for member in reply?.array ?? [] {
                    let parts = (member.string ?? "").split(separator: keys.separator, omittingEmptySubsequences: false)
                    guard parts.count == 3 else { continue }
                    bindings.append(
                        BrokerBinding(queue: String(parts[2]), exchange: exchange, routingKey: String(parts[0])))
                }
            }
            return bindings.sorted { ($0.exchange, $0.queue, $0.routingKey) < ($1.exchange, $1.queue, $1.routingKey) }
        }
    }

    /// A text that stands for itself in a pattern of Redis.
    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { escaped, character in
            if #"*?[]\^-"#.contains(character) { escaped += #"\"# }
            escaped.append(character)
        }
    }

    private func asking<Value>(_ body: () async throws(RedisError) -> Value) async throws(CeleriacError) -> Value {
        do {
            return try await body()
        } catch {
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .configuration, "cannot look at the queues in \(name)",
                cause: error)
        }
    }
}
#endif
