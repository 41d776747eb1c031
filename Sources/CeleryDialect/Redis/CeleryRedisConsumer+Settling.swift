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
        state.withLockedValue { state in
            for settlement in settlements where state.held[settlement.receipt.tag] != nil {
                state.unsettled[settlement.receipt.tag] = settlement.disposition
            }
        }
        do {
            try await client.end(
                endings(of: settlements.map(\.receipt.tag)), timers: timers, logger: logger,
                isLastTry: { state.withLockedValue { $0.isStopped } }, onEnd: forget)
        } catch {
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .publishFailed, "\(broker.name) did not settle messages",
                cause: error)
        }
    }

    /// Settles, in a last try, what could not be settled before.
    func settleUnsettled() async throws(RedisError) {
        try await client.end(
            endings(of: state.withLockedValue { $0.unsettled.keys.sorted() }), onEnd: forget)
    }

    private func forget(_ serials: [UInt64]) {
        state.withLockedValue { state in
            for serial in serials {
                state.held[serial] = nil
                state.unsettled[serial] = nil
            }
        }
    }

    private func endings(of serials: [UInt64]) -> [ClaimEnding] {
        var acknowledged: [UInt64] = []
        var replaced: [ClaimEnding] = []
        for serial in serials {
            let (held, disposition) = state.withLockedValue { ($0.held[serial], $0.unsettled[serial]) }
            guard let held, let disposition else { continue }
            switch disposition {
            case .acknowledge, .reject:
                acknowledged.append(serial)
            case .requeue:
                replaced.append(ClaimEnding([serial], giveBackCommands(serial, held, end: "L")))
            case .park(let fault):
                replaced.append(ClaimEnding([serial], [parkCommand(serial, held, fault: fault)]))
            }
        }
        let commands = acknowledgeCommands(acknowledged)
        return commands.isEmpty ? replaced : [ClaimEnding(acknowledged, commands)] + replaced
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
        let endings = serials.sorted(by: >).compactMap { serial in
            state.withLockedValue { $0.held[serial] }.map {
                ClaimEnding([serial], giveBackCommands(serial, $0, end: "R"))
            }
        }
        try await client.end(endings, onEnd: forget)
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
