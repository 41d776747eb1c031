#if Redis
import CeleriacCore
import CeleriacQueues
import CeleriacRedis
import CeleriacWire
import CeleryWire

/// How workers consume Celery's queues in Redis: kombu's priority lists, and claims in `unacked`.
///
/// A claim is interchangeable with one of a Python worker: an entry of `unacked` with its time in `unacked_index`,
/// which any worker may put back once it is older than the visibility timeout.
struct CeleryRedisTopology: RedisConsumerTopology {
    private let keys: KombuKeys
    private let visibilityTimeout: Duration
    private let limits: WireLimits
    private let restoring: CeleryRedisRestoring

    private let queues: QueueTable

    init(options: CeleryRedisOptions, queues: QueueTable = QueueTable(), limits: WireLimits = .default) {
        self.queues = queues
        self.limits = limits
        keys = options.keys
        visibilityTimeout = options.visibilityTimeout
        restoring = CeleryRedisRestoring(
            keys: options.keys, visibilityTimeout: options.visibilityTimeout, limits: limits)
    }

    // MARK: Lists

    var servedEnd: ListWait.End { .right }

    func lists(of queue: String) -> [RedisQueueList] {
        // The end of `[envelope, exchange, routing_key]`, the value in which a claim is stored.
        let closing = ", \"\", \(Self.quoted(queue))]"
        return keys.prioritySteps.map { step in
            let key = keys.list(queue, step: step)
            return RedisQueueList(
                queue: queue, key: key, scriptKeys: [keys.handover(ofList: key), key], closing: closing)
        }
    }

    /// A JSON string, quoted and escaped as Python does.
    private static func quoted(_ text: String) -> String {
        guard let bytes = try? WireJSON.encode(.string(text), style: .python) else { return "\"\"" }
        return String(decoding: bytes, as: UTF8.self)
    }

    func refusal(of queue: String) -> CeleriacError? { queues.queue(queue)?.virtualRefusal }

    func announcement(of queue: String) -> [RedisCommand] { queues.queue(queue).map(keys.declaration) ?? [] }

    func broadcast(to name: String, database: Int) -> RedisBroadcast? {
        guard let queue = queues.queue(name), let binding = queue.bindings.first, binding.exchange.type == "fanout"
        else {
            return nil
        }
        let (keys, limits) = (keys, limits)
        let lists = keys.prioritySteps.map { keys.list(name, step: $0) }
        let withdrawals = queue.bindings.flatMap { binding in
            [keys.binding(binding.exchange.name), keys.permanentBinding(binding.exchange.name)].map {
                RedisCommand("SREM", $0, keys.bindingMember(routingKey: binding.routingKey, queue: name))
            }
        }
        return RedisBroadcast(
            // As in kombu, whose subscribers take a `#` for any routing key.
            channel: keys.channel(
                binding.exchange.name, routingKey: binding.routingKey.replacing("#", with: "*"), database: database),
            keep: { payload in
                // All workers hear the same message, and keep claims and counts under the tag of their own.
                guard var envelope = try? KombuEnvelope.decode(payload, limits: limits) else {
                    return RedisCommand("LPUSH", keys.list(name, step: 0), payload)
                }
                envelope.deliveryTag = randomUUID()
                return RedisCommand(
                    "LPUSH", keys.list(name, priority: envelope.message.properties.priority ?? 0),
                    (try? envelope.encode()) ?? payload)
            },
            retirement: queue.isAutoDeleted ? withdrawals + lists.map { RedisCommand("DEL", $0) } : [])
    }

    var patience: Duration { min(.seconds(30), max(.seconds(1), visibilityTimeout / 2)) }

    // MARK: Claiming

    var claimsFromAllListsAtOnce: Bool { true }

    func claim(_ attempt: RedisClaimAttempt) -> RedisCommand {
        var scriptKeys: [any RedisArgument] = [keys.unacked, keys.unackedIndex, epochKey(of: attempt)]
        var arguments: [any RedisArgument] = [
            attempt.limit, attempt.time, attempt.tagPrefix, Int64(clamping: attempt.firstSerial),
            // Each list and its handover list.
            2 * attempt.lists.count / max(1, keys.prioritySteps.count), attempt.epoch, attempt.maximumBytes,
        ]
        for list in attempt.lists {
            scriptKeys += list.scriptKeys
            arguments += [list.closing, list.closing]
        }
        return .evaluate(KombuScripts.claim, keys: scriptKeys, arguments: arguments)
    }

    func claims(in reply: RedisValue, of attempt: RedisClaimAttempt) -> [RedisClaim] {
        let found = reply.array ?? []
        var claims: [RedisClaim] = []
        claims.reserveCapacity(found.count / 2)
        for position in stride(from: 0, to: found.count - 1, by: 2) {
            guard let place = found[position].int, let payload = found[position + 1].bytes,
                attempt.lists.indices.contains(place / 2)
            else { continue }
            claims.append(attempt.claim(position / 2, from: attempt.lists[place / 2], payload: payload))
        }
        return claims
    }

    /// What is stored names the queue alone. The message says by its priority in which of the queue's lists it was, so that
    /// it goes back there.
    func claim(_ index: Int, stored: [UInt8], of attempt: RedisClaimAttempt) -> RedisClaim? {
        let lists = attempt.lists.filter { payload(of: stored, from: $0) != nil }
        guard let first = lists.first, let payload = payload(of: stored, from: first) else { return nil }
        let envelope = try? KombuEnvelope.decode(payload, limits: limits.ofAnySize)
        let key = keys.list(first.queue, priority: envelope?.message.properties.priority ?? 0)
        return attempt.claim(index, from: lists.first { $0.key == key } ?? first, payload: payload)
    }

    func epochKey(of attempt: RedisClaimAttempt) -> String { keys.epoch(attempt.tagPrefix) }

    func claimsKey(of list: RedisQueueList) -> String { keys.unacked }

    func payload(of stored: [UInt8], from list: RedisQueueList) -> [UInt8]? {
        let closing = list.closing.utf8
        guard stored.first == UInt8(ascii: "["), stored.count > closing.count,
            stored.suffix(closing.count).elementsEqual(closing)
        else { return nil }
        return Array(stored[1..<stored.count - closing.count])
    }

    func delivery(of claim: RedisClaim) -> (delivery: Delivery, counter: String?) {
        do {
            let envelope = try KombuEnvelope.decode(claim.payload, limits: limits)
            let delivery = envelope.delivery(from: claim.list.queue, receipt: claim.receipt)
            return (delivery, envelope.redelivered ? keys.attempts(envelope.deliveryTag) : nil)
        } catch {
            return (
                KombuEnvelope.unread(
                    claim.payload, MessageFault(error), limits: limits, from: claim.list.queue, receipt: claim.receipt),
                nil
            )
        }
    }

    func prepare(_ consumer: RedisMessageConsumer) async throws(RedisError) {
        try await restoring.restoreIfDue(consumer)
    }

    // MARK: Holding

    func countBeginning(of claim: RedisClaim) -> [RedisCommand] {
        guard let counter = claim.counter else { return [] }
        return [RedisCommand("INCR", counter), RedisCommand("EXPIRE", counter, 86400)]
    }

    var renewalInterval: Duration { max(.milliseconds(250), min(visibilityTimeout / 4, .seconds(300))) }

    func indexKey(of list: RedisQueueList) -> String { keys.unackedIndex }

    // MARK: Ending

    func acknowledge(_ claims: [RedisClaim]) -> [ClaimEnding] {
        var index = RedisCommand("ZREM", keys.unackedIndex)
        var hash = RedisCommand("HDEL", keys.unacked)
        var counters = RedisCommand("DEL")
        for claim in claims {
            index.append(claim.tag)
            hash.append(claim.tag)
            if let counter = claim.counter { counters.append(counter) }
        }
        let counted = claims.contains { $0.counter != nil } ? [counters] : []
        return [
            ClaimEnding(
                claims.map(\.serial), [RedisCommand("MULTI"), index, hash] + counted + [RedisCommand("EXEC")]
            ) { replies in
                // The second reply of the transaction is that to `HDEL`.
                replies.last?.array?.dropFirst().first?.int
            }
        ]
    }

    func requeue(_ claims: [RedisClaim], park: (RedisClaim, MessageFault) -> ClaimEnding) -> [ClaimEnding] {
        claims.map { putBack($0, to: "L", park: park) }
    }

    func giveBack(_ claims: [RedisClaim], park: (RedisClaim, MessageFault) -> ClaimEnding) -> [ClaimEnding] {
        // The last message goes to the front first.
        claims.reversed().map { putBack($0, to: "R", park: park) }
    }

    private func putBack(
        _ claim: RedisClaim, to end: String, park: (RedisClaim, MessageFault) -> ClaimEnding
    ) -> ClaimEnding {
        guard
            let envelope = (try? KombuEnvelope.markedRedelivered(claim.payload, limits: limits.ofAnySize))
                ?? unmarked(claim)
        else {
            return park(claim, MessageFault(reason: "undecodableEnvelope", detail: "it cannot be given back"))
        }
        let restored = keys.replaceClaim(claim.tag, by: envelope, in: [claim.list.key], end: end)
        // Only interrupted runs count as attempts. This message was given back in an orderly way.
        guard claim.isCounted, let counter = claim.counter else { return ClaimEnding([claim.serial], [restored]) }
        return ClaimEnding([claim.serial], [restored, RedisAttemptCounter.uncount(key: counter)])
    }

    /// The payload of a claim that cannot be marked, if it may say whose task it is. Whoever gets it next tells the caller
    /// before it is parked; nobody would if it were parked here.
    private func unmarked(_ claim: RedisClaim) -> [UInt8]? {
        guard let remains = KombuEnvelope.remains(of: claim.payload, limits: limits),
            remains.headers["id"] != nil || !remains.body.isEmpty
        else { return nil }
        return claim.payload
    }

    func park(_ claim: RedisClaim, as record: [UInt8]) -> ClaimEnding {
        // An exhausted message that is put back must be able to begin.
        let counter = claim.counter.map { [$0] } ?? []
        let command = RedisCommand.evaluate(
            KombuScripts.park, keys: [keys.unacked, keys.unackedIndex, keys.parked(claim.list.queue)] + counter,
            arguments: [claim.tag, record])
        return ClaimEnding([claim.serial], [command])
    }

    var restoration: String {
        "another worker puts them back when the visibility timeout is over, \(visibilityTimeout.seconds) s after the "
            + "last renewal"
    }

    var parkedFormat: ParkedMessageFormat { .celery }
}
#endif
