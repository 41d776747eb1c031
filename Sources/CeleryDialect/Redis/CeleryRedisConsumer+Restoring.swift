#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacWire
import CeleryWire
import Logging
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

extension CeleryRedisConsumer {
    /// Puts back messages whose claims expired, if it is time to look for them: at the start, and then every 100 seconds
    /// as kombu does, or twice in a visibility timeout where that is shorter.
    ///
    /// One worker at a time looks, under kombu's mutex. Kombu takes it for 300 seconds, for which nobody restores anything
    /// if its holder dies; here it is taken for 10 and renewed.
    func restoreIfDue() async throws(RedisError) {
        let now = timers.now
        let interval = min(100, max(0.5, broker.options.visibilityTimeout.seconds / 2))
        let isDue = state.withLockedValue { state in
            guard state.nextRestore <= now else { return false }
            state.nextRestore = now.addingTimeInterval(interval)
            return true
        }
        guard isDue else { return }
        let token = CeleryID.random()
        do {
            guard
                try await !client.send(RedisCommand("SET", keys.unackedMutex, token, "NX", "PX", Self.lease)).isNull
            else { return }
            try await restoreExpired(
                before: now.timeIntervalSince1970 - broker.options.visibilityTimeout.seconds, token: token)
        } catch {
            // Nobody restores anything while the mutex stands.
            _ = try? await unlock(token)
            throw error
        }
        try await unlock(token)
    }

    /// How long the mutex stands unless it is renewed, in milliseconds.
    static var lease: Int { 10_000 }

    /// - Returns: whether the mutex is still ours.
    private func renew(_ token: String) async throws(RedisError) -> Bool {
        try await client.evaluate(
            KombuScripts.renewLock, keys: [keys.unackedMutex], arguments: [token, "\(Self.lease)"]
        ).int == 1
    }

    private func unlock(_ token: String) async throws(RedisError) {
        _ = try await client.evaluate(KombuScripts.unlock, keys: [keys.unackedMutex], arguments: [token])
    }

    /// Step by step, while the mutex is ours.
    private func restoreExpired(before limit: Double, token: String) async throws(RedisError) {
        var kept = 0
        while try await renew(token) {
            // Newest first, each to the front: they are served again in the order in which they were claimed.
            let expired =
                try await client.send(
                    RedisCommand(
                        "ZRANGE", keys.unackedIndex, limit, 0, "BYSCORE", "REV", "LIMIT", kept, 100)
                ).array ?? []
            let tags = expired.compactMap(\.string)
            guard !tags.isEmpty else { return }
            var claims = RedisCommand("HMGET", keys.unacked)
            for tag in tags { claims.append(tag) }
            let stored = try await client.send(claims).array ?? []
            var commands: [RedisCommand] = []
            for (tag, value) in zip(tags, stored) {
                if let command = try await restoreCommand(tag: tag, stored: value.bytes) {
                    commands.append(command)
                } else {
                    kept += 1
                }
            }
            if !commands.isEmpty {
                let refusals = try await client.send(commands).compactMap(\.error)
                if let refusal = refusals.first {
                    // Passed over by the next step, else they would be found again without end.
                    kept += refusals.count
                    logger.error(
                        "expired claims are kept: they cannot be put back",
                        metadata: ["error": "\(refusal)", "messages": "\(refusals.count)"])
                }
                logger.notice(
                    "restored messages whose claims expired",
                    metadata: ["messages": "\(commands.count - refusals.count)"])
            }
        }
    }

    /// What restores a claim, or nil for one that must be kept as it is.
    private func restoreCommand(tag: String, stored: [UInt8]?) async throws(RedisError) -> RedisCommand? {
        guard let stored else { return RedisCommand("ZREM", keys.unackedIndex, tag) }
        do {
            let claim = try KombuClaim.decode(stored)
            guard let queue = try await queue(exchange: claim.exchange, routingKey: claim.routingKey) else {
                logger.error(
                    "an expired claim is kept: no queue is bound to its exchange with its routing key",
                    metadata: ["exchange": "\(claim.exchange)", "routing-key": "\(claim.routingKey)"])
                return nil
            }
            return RedisCommand.evaluate(
                KombuScripts.replaceClaim,
                keys: [
                    keys.unacked, keys.unackedIndex,
                    keys.list(queue, priority: claim.envelope.message.properties.priority ?? 0),
                ], arguments: [tag, "R", try KombuEnvelope.markedRedelivered(claim.payload)])
        } catch let error as RedisError {
            throw error
        } catch {
            let fault = (error as? CeleryWireError).map(MessageFault.init)
            let queue = lists.lists.first?.queue ?? "celery"
            let record = ParkedMessage(
                payload: stored,
                fault: fault ?? MessageFault(reason: "undecodableEnvelope", detail: String(describing: error)),
                queue: queue, worker: nodeName, time: timers.now)
            logger.error("an expired claim is parked: it cannot be read", metadata: ["queue": "\(queue)"])
            return RedisCommand.evaluate(
                KombuScripts.replaceClaim, keys: [keys.unacked, keys.unackedIndex, keys.parked(queue)],
                arguments: [tag, "L", record.encoded])
        }
    }

    /// The queue that a message of this exchange and routing key goes to.
    private func queue(exchange: String, routingKey: String) async throws(RedisError) -> String? {
        if exchange.isEmpty { return routingKey }
        let members = try await client.send(RedisCommand("SMEMBERS", keys.binding(exchange))).array ?? []
        for member in members.compactMap(\.string) {
            let parts = member.split(separator: keys.separator, omittingEmptySubsequences: false)
            if parts.count == 3, parts[0] == routingKey { return String(parts[2]) }
        }
        return nil
    }
}
#endif
