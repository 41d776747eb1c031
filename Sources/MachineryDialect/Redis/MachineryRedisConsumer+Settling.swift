#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacWire
import Logging
import NIOConcurrencyHelpers

extension MachineryRedisConsumer {
    func settle(_ settlements: [Settlement]) async throws {
        var acknowledged: [Int: [UInt64]] = [:]
        var requeued: [Int: [UInt64]] = [:]
        var commands: [RedisCommand] = []
        for settlement in settlements {
            let serial = settlement.receipt.tag
            guard let held = state.withLockedValue({ $0.held[serial] }) else { continue }
            switch settlement.disposition {
            case .acknowledge, .reject: acknowledged[held.queue, default: []].append(serial)
            case .requeue: requeued[held.queue, default: []].append(serial)
            case .park(let fault): commands.append(parkCommand(serial, held, fault: fault))
            }
        }
        for (queue, serials) in acknowledged {
            commands.append(contentsOf: portions(serials).map { command(MachineryScripts.acknowledge, queue, [], $0) })
        }
        for (queue, serials) in requeued {
            commands.append(
                contentsOf: portions(serials).map { command(MachineryScripts.putBack, queue, ["R", "1"], $0) })
        }
        try await sendUntilAnswered(commands)
        state.withLockedValue { state in for settlement in settlements { state.held[settlement.receipt.tag] = nil } }
    }

    func giveBack(_ receipts: [Receipt]) async throws {
        try await putBack(receipts.map(\.tag), isAttempt: false)
    }

    /// Puts messages back to the front of their queues, the first of them foremost.
    func putBack(_ serials: [UInt64], isAttempt: Bool) async throws(RedisError) {
        let held = state.withLockedValue { state in serials.map { (serial: $0, queue: state.held[$0]?.queue) } }
        var commands: [RedisCommand] = []
        for queue in queues.indices {
            let mine = held.filter { $0.queue == queue }.map(\.serial)
            // The last one is put there first.
            commands.append(
                contentsOf: portions(mine.reversed()).map {
                    command(MachineryScripts.putBack, queue, ["L", isAttempt ? "1" : "0"], $0)
                })
        }
        guard !commands.isEmpty else { return }
        _ = try await client.send(commands)
        state.withLockedValue { state in for serial in serials { state.held[serial] = nil } }
    }

    /// A script's stack takes some thousands of values.
    private func portions(_ serials: [UInt64]) -> [ArraySlice<UInt64>] {
        stride(from: 0, to: serials.count, by: 1000).map { serials[$0..<min($0 + 1000, serials.count)] }
    }

    private func command(
        _ script: RedisScript, _ queue: Int, _ arguments: [String], _ serials: ArraySlice<UInt64>
    ) -> RedisCommand {
        .evaluate(script, keys: queues[queue].all, arguments: arguments + serials.map { tag($0) })
    }

    private func parkCommand(_ serial: UInt64, _ held: Held, fault: MessageFault) -> RedisCommand {
        let record = ParkedRecord(
            payload: held.payload, fault: fault, queue: queues[held.queue].queue, worker: nodeName, time: timers.now)
        return .evaluate(
            MachineryScripts.park, keys: queues[held.queue].all, arguments: [tag(serial), record.encoded])
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
}
#endif
