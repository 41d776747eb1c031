#if Redis
internal import DequeModule
internal import NIOCore

/// Matches replies to the batches of commands that were sent, first in, first out.
///
/// It does no I/O and asks no clock; `Waiter` is whatever stands for the caller of a batch.
struct RedisPipeline<Waiter> {
    /// What a reply led to.
    enum Action {
        /// More replies of the batch are to come.
        case wait
        /// The batch is complete.
        case complete(Waiter, [RedisValue])
        /// Some script calls found no script (and did nothing): call ``RedisPipeline/repeatScripts(_:)`` with this
        /// value, and send its commands again by their source.
        case repeatScripts(Repetition)
        /// Nobody asked for this reply.
        case unexpected
    }

    /// A batch of which some script calls must be sent again.
    struct Repetition {
        /// The calls to send, in order.
        let commands: [RedisCommand]
        fileprivate var batch: Batch
    }

    fileprivate struct Batch {
        let waiter: Waiter
        let deadline: NIODeadline?
        /// Replies to drop in front of the caller's: those of `SCRIPT LOAD`.
        var preamble: Int
        /// How many replies are still to come behind the preamble.
        var missing: Int
        var replies: [RedisValue]
        /// The commands of a batch that calls scripts; empty for all others.
        var scriptCommands: [RedisCommand]
        /// In a repetition: the positions of the replies still to come, the last first.
        var positions: [Int]
    }

    private var batches: Deque<Batch> = []

    /// Whether nobody waits.
    var isEmpty: Bool { batches.isEmpty }

    /// The earliest time by which a reply is due.
    var earliestDeadline: NIODeadline? {
        batches.lazy.compactMap(\.deadline).min()
    }

    /// Notes a batch that is being sent.
    ///
    /// - Parameters:
    ///   - count: The number of its commands, at least one.
    ///   - preamble: How many further replies come in front of the batch's own.
    ///   - scriptCommands: All commands of the batch where it calls scripts, otherwise empty.
    ///   - deadline: When the batch must be answered; `nil` for no limit.
    ///   - waiter: Who waits.
    mutating func append(
        count: Int, preamble: Int = 0, scriptCommands: [RedisCommand] = [], deadline: NIODeadline?, waiter: Waiter
    ) {
        var replies: [RedisValue] = []
        replies.reserveCapacity(count)
        batches.append(
            Batch(
                waiter: waiter, deadline: deadline, preamble: preamble, missing: count, replies: replies,
                scriptCommands: scriptCommands, positions: []))
    }

    /// Notes the calls of a repetition, which are being sent now, behind all others.
    mutating func repeatScripts(_ repetition: Repetition) {
        batches.append(repetition.batch)
    }

    /// Takes the next reply from the wire.
    mutating func receive(_ reply: RedisValue) -> Action {
        guard !batches.isEmpty else { return .unexpected }
        if batches[0].preamble > 0 {
            batches[0].preamble -= 1
            return .wait
        }
        if let position = batches[0].positions.popLast() {
            batches[0].replies[position] = reply
        } else {
            batches[0].replies.append(reply)
        }
        batches[0].missing -= 1
        guard batches[0].missing == 0 else { return .wait }
        var batch = batches.removeFirst()
        if !batch.scriptCommands.isEmpty {
            let positions = zip(batch.replies, batch.scriptCommands).enumerated().compactMap { index, pair in
                pair.0.error?.code == "NOSCRIPT" && pair.1.script != nil ? index : nil
            }
            if !positions.isEmpty {
                let commands = positions.map { batch.scriptCommands[$0] }
                batch.scriptCommands = []
                batch.missing = positions.count
                batch.positions = positions.reversed()
                return .repeatScripts(Repetition(commands: commands, batch: batch))
            }
        }
        return .complete(batch.waiter, batch.replies)
    }

    /// Empties the pipeline.
    ///
    /// - Returns: All waiters in order, each with whether it waited past its deadline.
    mutating func removeAll(now: NIODeadline) -> [(waiter: Waiter, isLate: Bool)] {
        defer { batches = [] }
        return batches.map { batch in
            (batch.waiter, batch.deadline.map { $0 <= now } ?? false)
        }
    }
}
#endif
