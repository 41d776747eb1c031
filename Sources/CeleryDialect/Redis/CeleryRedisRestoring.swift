#if Redis
import CeleriacCore
import CeleriacQueues
import CeleriacRedis
import CeleriacWire
import CeleryWire
import Logging
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// Puts back messages whose claims expired, no matter which worker made them.
///
/// One worker at a time does so, under kombu's mutex. Kombu takes the mutex for 300 seconds, during which no worker
/// restores anything if the holder dies; this type takes it for 10 seconds and renews it.
struct CeleryRedisRestoring: Sendable {
    /// How long the mutex stands unless it is renewed, in milliseconds.
    private static let lease = 10_000

    let keys: KombuKeys
    let visibilityTimeout: Duration
    let limits: WireLimits
    private struct State: Sendable {
        var next = Date.distantPast
        var looks: SteadyLooks
    }
    private let state: NIOLockedValueBox<State>

    init(keys: KombuKeys, visibilityTimeout: Duration, limits: WireLimits) {
        self.keys = keys
        self.visibilityTimeout = visibilityTimeout
        // Another worker may run what is too large for this one.
        self.limits = limits.ofAnySize
        state = NIOLockedValueBox(State(looks: SteadyLooks(claimLifetime: visibilityTimeout)))
    }

    /// Looks for expired claims if it is time: at the start, and then every 100 seconds as kombu does, or twice in a
    /// visibility timeout if that is shorter.
    func restoreIfDue(_ consumer: RedisMessageConsumer) async throws(RedisError) {
        let now = consumer.timers.now
        let interval = min(100, max(0.5, visibilityTimeout.seconds / 2))
        let isDue = state.withLockedValue { state in
            guard state.next <= now, state.looks.begin(at: now) else { return false }
            state.next = now.addingTimeInterval(interval)
            return true
        }
        guard isDue else { return }
        let token = randomUUID()
        do {
            let taken = try await take(token, consumer)
            guard taken.isOurs else { return }
            guard taken.mayRestore else { return try await unlock(token, consumer.client) }
            try await restoreExpired(
                before: now.timeIntervalSince1970 - visibilityTimeout.seconds, token: token, consumer)
        } catch {
            // No worker restores anything while the mutex is set.
            _ = try? await unlock(token, consumer.client)
            throw error
        }
        try await unlock(token, consumer.client)
    }

    /// Takes the mutex.
    ///
    /// - Returns: whether it is ours, and whether the server answered so that what is expired may be restored.
    private func take(
        _ token: String, _ consumer: RedisMessageConsumer
    ) async throws(RedisError) -> (isOurs: Bool, mayRestore: Bool) {
        func end(hasAnswered: Bool) -> Bool {
            state.withLockedValue { $0.looks.end(at: consumer.timers.now, hasAnswered: hasAnswered) }
        }
        do throws(RedisError) {
            let reply = try await consumer.client.send(
                RedisCommand("SET", keys.unackedMutex, token, "NX", "PX", Self.lease))
            return (!reply.isNull, end(hasAnswered: true))
        } catch {
            _ = end(hasAnswered: error.code == .server)
            throw error
        }
    }

    /// - Returns: Whether the mutex is still ours.
    private func renew(_ token: String, _ client: RedisClient) async throws(RedisError) -> Bool {
        try await client.evaluate(
            KombuScripts.renewLock, keys: [keys.unackedMutex], arguments: [token, "\(Self.lease)"]
        ).int == 1
    }

    private func unlock(_ token: String, _ client: RedisClient) async throws(RedisError) {
        _ = try await client.evaluate(KombuScripts.unlock, keys: [keys.unackedMutex], arguments: [token])
    }

    /// Restores claims in batches while the mutex is ours.
    private func restoreExpired(
        before limit: Double, token: String, _ consumer: RedisMessageConsumer
    ) async throws(RedisError) {
        let (client, logger) = (consumer.client, consumer.logger)
        var kept = 0
        while try await renew(token, client) {
            // The newest goes to the front first, so the messages are delivered again in the order in which they were
            // claimed.
            let expired =
                try await client.send(
                    RedisCommand("ZRANGE", keys.unackedIndex, limit, 0, "BYSCORE", "REV", "LIMIT", kept, 100)
                ).array ?? []
            let found = expired.compactMap(\.string)
            guard !found.isEmpty else { return }
            let sizes = try await client.send(found.map { RedisCommand("HSTRLEN", keys.unacked, $0) })
            // The next batch finds the others, which would be too much for one reply. A claim whose size the server does
            // not tell is read alone.
            let tags = found.prefix(client.configuration.portion(of: sizes.map { $0.int ?? .max }))
            var claims = RedisCommand("HMGET", keys.unacked)
            for tag in tags { claims.append(tag) }
            let stored = try await client.send(claims).array ?? []
            var commands: [RedisCommand] = []
            for (tag, value) in zip(tags, stored) {
                if let command = try await restoration(of: tag, stored: value.bytes, consumer) {
                    commands.append(command)
                } else {
                    kept += 1
                }
            }
            if !commands.isEmpty {
                let refusals = try await client.send(commands).compactMap(\.error)
                if let refusal = refusals.first {
                    // The next batch skips them; otherwise it would find them again forever.
                    kept += refusals.count
                    logger.error(
                        "keeping expired claims that cannot be put back",
                        metadata: ["error": "\(refusal)", "messages": "\(refusals.count)"])
                }
                logger.notice(
                    "restored messages whose claims expired",
                    metadata: ["messages": "\(commands.count - refusals.count)"])
            }
        }
    }

    /// Makes the command that restores a claim; nil for a claim that must be kept as it is.
    private func restoration(
        of tag: String, stored: [UInt8]?, _ consumer: RedisMessageConsumer
    ) async throws(RedisError) -> RedisCommand? {
        guard let stored else { return RedisCommand("ZREM", keys.unackedIndex, tag) }
        guard let claim = KombuClaim(stored) else {
            let queue = consumer.lists.first?.queue ?? "celery"
            let fault = MessageFault(
                CeleryWireError(.malformedEnvelope, "a claim is not [envelope, exchange, routing_key]"))
            consumer.logger.error("parking an expired claim that cannot be read", metadata: ["queue": "\(queue)"])
            return keys.replaceClaim(
                tag, by: consumer.parkedRecord(of: stored, from: queue, fault), in: [keys.parked(queue)],
                end: "L")
        }
        // A claim does not say which of the queues that its message came to it was taken from. As kombu does, all get it:
        // twice is better than never.
        let queues =
            claim.exchange.isEmpty
            ? [claim.routingKey]
            : try await keys.queues(boundTo: claim.exchange, routingKey: claim.routingKey, client: consumer.client)
        guard !queues.isEmpty else {
            consumer.logger.error(
                "keeping an expired claim, because no queue is bound to its exchange with its routing key",
                metadata: ["exchange": "\(claim.exchange)", "routing-key": "\(claim.routingKey)"])
            return nil
        }
        // What cannot be read goes back as it is: to a worker that can, or to one that parks it and tells its caller.
        let envelope = try? KombuEnvelope.decode(claim.payload, limits: limits)
        let marked = try? KombuEnvelope.markedRedelivered(claim.payload, limits: limits)
        let lists = queues.map { keys.list($0, priority: envelope?.message.properties.priority ?? 0) }
        return keys.replaceClaim(tag, by: marked ?? claim.payload, in: lists, end: "R")
    }
}
#endif
