#if Redis
import NIOConcurrencyHelpers
import CeleriacCore
import CeleriacRedis
import CeleriacWire
import CeleryWire
import Logging
import Synchronization

extension CeleryRedisConsumer {
    func settle(_ settlements: [Settlement]) async throws {
        var acknowledged: [UInt64] = []
        var replaced: [RedisCommand] = []
        for settlement in settlements {
            let serial = settlement.receipt.tag
            guard let held = state.withLockedValue({ $0.held[serial] }) else { continue }
            switch settlement.disposition {
            case .acknowledge, .reject:
                acknowledged.append(serial)
            case .requeue:
                replaced.append(contentsOf: giveBackCommands(serial, held, end: "L"))
            case .park(let fault):
                replaced.append(parkCommand(serial, held, fault: fault))
            }
        }
        try await sendUntilAnswered(acknowledgeCommands(acknowledged) + replaced)
        state.withLockedValue { state in for settlement in settlements { state.held[settlement.receipt.tag] = nil } }
    }

    /// Claims name their tags, so that ending one twice does no harm: it is tried until the server answers.
    private func sendUntilAnswered(_ commands: [RedisCommand]) async throws {
        guard !commands.isEmpty else { return }
        var backoff = Backoff()
        while true {
            do {
                let replies = try await client.send(commands)
                guard let refusal = replies.lazy.compactMap(\.error).first else { return }
                throw CeleriacError(.publishFailed, "\(broker.name) refused to settle messages", cause: refusal)
            } catch let error as RedisError where error.isOutOfReach && !state.withLockedValue({ $0.isStopped }) {
                let pause = backoff.next()
                logger.warning(
                    "cannot settle messages, trying again",
                    metadata: ["error": "\(error)", "seconds": "\(pause.seconds)"])
                try? await timers.sleep(for: pause)
            }
        }
    }

    private func acknowledgeCommands(_ serials: [UInt64]) -> [RedisCommand] {
        guard !serials.isEmpty else { return [] }
        var index = RedisCommand("ZREM", keys.unackedIndex)
        var claims = RedisCommand("HDEL", keys.unacked)
        var counts = RedisCommand("DEL")
        var counted = 0
        state.withLockedValue { state in
            for serial in serials {
                let tag = tag(serial)
                index.append(tag)
                claims.append(tag)
                if let attempt = state.held[serial]?.countedAttempt {
                    counts.append(keys.attempts(attempt))
                    counted += 1
                }
            }
        }
        return [RedisCommand("MULTI"), index, claims] + (counted > 0 ? [counts] : []) + [RedisCommand("EXEC")]
    }

    func giveBack(_ receipts: [Receipt]) async throws {
        try await giveBack(serials: receipts.map(\.tag))
    }

    /// Gives these claims back to the front of their lists.
    func giveBack(serials: [UInt64]) async throws(RedisError) {
        // Newest first: they are served again in the order in which they came.
        let commands = serials.sorted(by: >).flatMap { serial in
            state.withLockedValue { $0.held[serial] }.map { giveBackCommands(serial, $0, end: "R") } ?? []
        }
        guard !commands.isEmpty else { return }
        _ = try await client.send(commands)
        state.withLockedValue { state in for serial in serials { state.held[serial] = nil } }
    }

    private func giveBackCommands(_ serial: UInt64, _ held: Held, end: String) -> [RedisCommand] {
        guard let envelope = try? KombuEnvelope.markedRedelivered(held.payload) else {
            return [
                parkCommand(
                    serial, held, fault: MessageFault(reason: "undecodableEnvelope", detail: "it cannot be given back"))
            ]
        }
        let list = lists.lists[held.list]
        let restored = RedisCommand.evaluate(
            KombuScripts.replaceClaim, keys: [keys.unacked, keys.unackedIndex, list.key],
            arguments: [tag(serial), end, envelope])
        // Only runs that broke off count: this message was given back in good order.
        guard let counted = held.countedAttempt else { return [restored] }
        return [restored, RedisCommand("DECR", keys.attempts(counted))]
    }

    private func parkCommand(_ serial: UInt64, _ held: Held, fault: MessageFault) -> RedisCommand {
        let queue = lists.lists[held.list].queue
        let record = ParkedMessage(
            payload: held.payload, fault: fault, queue: queue, worker: nodeName, time: timers.now)
        return RedisCommand.evaluate(
            KombuScripts.replaceClaim, keys: [keys.unacked, keys.unackedIndex, keys.parked(queue)],
            arguments: [tag(serial), "L", record.encoded])
    }
}
#endif
