import CeleriacCore
import Foundation

/// How a migration moves what waits for its time beside the queues.
extension Migration {
    /// Moves what the source keeps beside its queues until its time. It is published first and removed then.
    mutating func moveKept() async throws {
        guard let broker = source.broker.unwrapped as? any DelayedMessageKeeper else { return }
        let from = source.timers.now.addingTimeInterval(Self.nearTime)
        roundCount = 0
        // What stays is in front of what comes next.
        var skipped = 0
        while !isOver {
            let found = try await broker.delayedMessages(from: from, skipping: skipped, limit: portion)
            if found.isEmpty { break }
            var loads: [Load] = []
            var sent: [DelayedMessage] = []
            var done: [DelayedMessage] = []
            for delayed in found {
                guard let queue = delayed.queue, options.queues.contains(queue) else {
                    tally.leave(
                        delayed.queue == nil ? "it waits for its time, and is no task" : Self.otherQueue)
                    skipped += 1
                    continue
                }
                let made = self.load(of: delayed.message, to: queue, at: delayed.time)
                if journal.recognizes(made.key, hasComeBack: nil) {
                    tally.recognized += 1
                    done.append(delayed)
                } else {
                    loads.append(made)
                    sent.append(delayed)
                }
            }
            let refusals = try await publish(loads)
            for (index, delayed) in sent.enumerated() {
                if let refusal = refusals[index] {
                    tally.leave(refusal)
                    skipped += 1
                } else {
                    done.append(delayed)
                }
            }
            tally.raced += try await broker.removeDelayed(done).filter { !$0 }.count
            onProgress(tally)
            await keepPace()
        }
        try journal.endRound()
    }
}
