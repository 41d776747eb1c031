#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacWire
import Logging
import NIOConcurrencyHelpers

extension MachineryRedisConsumer {
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
        try await client.end(endings(of: state.withLockedValue { $0.unsettled.keys.sorted() }), onEnd: forget)
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
        var acknowledged: [Int: [UInt64]] = [:]
        var requeued: [Int: [UInt64]] = [:]
        var endings: [ClaimEnding] = []
        for serial in serials {
            let (held, disposition) = state.withLockedValue { ($0.held[serial], $0.unsettled[serial]) }
            guard let held, let disposition else { continue }
            switch disposition {
            case .acknowledge, .reject: acknowledged[held.queue, default: []].append(serial)
            case .requeue: requeued[held.queue, default: []].append(serial)
            case .park(let fault):
                endings.append(ClaimEnding([serial], [parkCommand(serial, held, fault: fault)]))
            }
        }
        for (queue, serials) in acknowledged {
            endings += portions(serials).map { ending(MachineryScripts.acknowledge, queue, [], $0) }
        }
        for (queue, serials) in requeued {
            endings += portions(serials).map { ending(MachineryScripts.putBack, queue, ["R", "1"], $0) }
        }
        return endings
    }

    func giveBack(_ receipts: [Receipt]) async throws {
        try await putBack(receipts.map(\.tag))
    }

    /// Puts messages back to the front of their queues, the first of them foremost. Nobody began them: no attempt counts.
    func putBack(_ serials: [UInt64]) async throws(RedisError) {
        let held = state.withLockedValue { state in serials.map { (serial: $0, queue: state.held[$0]?.queue) } }
        var endings: [ClaimEnding] = []
        for queue in queues.indices {
            let mine = held.filter { $0.queue == queue }.map(\.serial)
            // The last one is put there first.
            endings += portions(mine.reversed()).map { ending(MachineryScripts.putBack, queue, ["L", "0"], $0) }
        }
        try await client.end(endings, onEnd: forget)
    }

    /// A script's stack takes some thousands of values.
    private func portions(_ serials: [UInt64]) -> [ArraySlice<UInt64>] {
        stride(from: 0, to: serials.count, by: 1000).map { serials[$0..<min($0 + 1000, serials.count)] }
    }

    private func ending(
        _ script: RedisScript, _ queue: Int, _ arguments: [String], _ serials: ArraySlice<UInt64>
    ) -> ClaimEnding {
        let command = RedisCommand.evaluate(
            script, keys: queues[queue].all, arguments: arguments + serials.map { tag($0) })
        return ClaimEnding(Array(serials), [command])
    }

    private func parkCommand(_ serial: UInt64, _ held: Held, fault: MessageFault) -> RedisCommand {
        let record = ParkedRecord(
            payload: held.payload, fault: fault, queue: queues[held.queue].queue, worker: nodeName, time: timers.now)
        return .evaluate(
            MachineryScripts.park, keys: queues[held.queue].all, arguments: [tag(serial), record.encoded])
    }
}
#endif
