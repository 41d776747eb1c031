#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacWire
import Logging
import MachineryWire
import NIOCore
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// What a consumer does beside taking messages. It runs on the event loop's timers, whatever handlers do to their threads.
extension MachineryRedisConsumer {
    func startChores() {
        let timeout = max(.milliseconds(400), broker.options.claimTimeout)
        repeatedly(every: timeout / 4, at: timeout / 4) { $0.renewClaims() }
        repeatedly(every: timeout / 2, at: .zero) { $0.restoreExpiredClaims() }
        repeatedly(every: max(.milliseconds(10), broker.options.delayedTasksPollPeriod), at: .zero) {
            $0.moveDueTasks()
        }
    }

    private func repeatedly(
        every interval: Duration, at first: Duration, _ chore: @escaping @Sendable (MachineryRedisConsumer) -> Void
    ) {
        let task = client.eventLoop.scheduleRepeatedTask(
            initialDelay: TimeAmount(first), delay: TimeAmount(interval)
        ) { [weak self] _ in
            if let self { chore(self) }
        }
        chores.withLockedValue { $0.append(task) }
    }

    /// Pushes the time of every claim forward.
    private func renewClaims() {
        let held = state.withLockedValue { state in state.held.map { (serial: $0.key, queue: $0.value.queue) } }
        let now = timers.now.timeIntervalSince1970
        var commands: [RedisCommand] = []
        for (index, keys) in queues.enumerated() {
            let serials = held.filter { $0.queue == index }.map(\.serial)
            for start in stride(from: 0, to: serials.count, by: 500) {
                var command = RedisCommand("ZADD", keys.claimed, "XX")
                for serial in serials[start..<min(start + 500, serials.count)] {
                    command.append(String(now))
                    command.append(tag(serial))
                }
                commands.append(command)
            }
        }
        guard !commands.isEmpty else { return }
        client.submit(commands).whenFailure { [logger] error in
            logger.warning("could not renew claims", metadata: ["error": "\(error)"])
        }
    }

    /// Puts back messages of workers that are gone.
    private func restoreExpiredClaims() {
        let limit = timers.now.timeIntervalSince1970 - max(.milliseconds(400), broker.options.claimTimeout).seconds
        let commands = queues.map { keys in
            RedisCommand.evaluate(MachineryScripts.restore, keys: keys.all, arguments: [limit, 500])
        }
        client.submit(commands).whenComplete { [logger] result in
            switch result {
            case .success(let replies):
                let count = replies.compactMap(\.int).reduce(0, +)
                if count > 0 {
                    logger.notice("restored messages of a worker that is gone", metadata: ["messages": "\(count)"])
                }
            case .failure(let error):
                logger.warning("could not look for messages to restore", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Moves delayed tasks whose time has come, as many as there are.
    private func moveDueTasks() {
        let portion = 500
        let tail: WireObject = [
            "reason": "undecodableDelayedTask",
            "detail": "a member of the delayed tasks that is not a task, or whose queue is no list",
            "queue": .string(broker.options.delayedTasksKey), "worker": .string(nodeName),
            "time": .string(GoTime(timers.now).description),
        ]
        let closing = ((try? WireJSON.encode(.object(tail), style: .go)) ?? []).dropFirst()
        let command = RedisCommand.evaluate(
            MachineryScripts.moveDue,
            keys: [
                broker.options.delayedTasksKey, broker.options.defaultQueue,
                InFlightKeys(queue: broker.options.delayedTasksKey).parked,
            ],
            arguments: [GoTime(timers.now).unixNanoseconds, portion, [UInt8(ascii: ",")] + Array(closing)])
        client.submit([command]).whenComplete { [weak self, logger] result in
            switch result {
            case .success(let replies):
                if let error = replies.first?.error {
                    logger.warning("could not move delayed tasks", metadata: ["error": "\(error)"])
                }
                if replies.first?.int == portion { self?.moveDueTasks() }
            case .failure(let error):
                logger.warning("could not move delayed tasks", metadata: ["error": "\(error)"])
            }
        }
    }
}
#endif
