#if Redis
internal import DequeModule
internal import NIOCore

/// Matches replies to the batches of commands that were sent, in first-in, first-out order.
///
/// It does no I/O and reads no clock. `Waiter` stands for the caller of a batch.
struct RedisPipeline<Waiter> {
    /// The effect of a reply.
    enum Action {
        /// The batch still lacks replies.
        case wait
        /// The batch is complete.
        case complete(Waiter, [RedisValue])
        /// Some script calls found no script, and so did nothing. Call ``RedisPipeline/repeatScripts(_:)`` with this
        /// value, and send its commands again by their source.
        case repeatScripts(Repetition)
        /// The reply has no request.
        case unexpected
    }

    /// A batch with script calls that must be sent again.
    struct Repetition {
        /// The calls to send, in order.
        let commands: [RedisCommand]
        fileprivate var batch: Batch
    }

    fileprivate struct Batch {
        let waiter: Waiter
        let deadline: NIODeadline?
        /// How many replies to drop before the caller's: those of `SCRIPT LOAD`.
        var preamble: Int
        /// How many replies are still missing after the preamble.
        var missing: Int
        var replies: [RedisValue]
        /// The commands of a batch that calls scripts; empty for any other batch.
        var scriptCommands: [RedisCommand]
        /// In a repetition: the positions of the missing replies, last first.
        var positions: [Int]
    }

    private var batches: Deque<Batch> = []

    /// Whether no caller is waiting.
    var isEmpty: Bool { batches.isEmpty }

    /// The earliest deadline of all batches.
    var earliestDeadline: NIODeadline? {
        batches.lazy.compactMap(\.deadline).min()
    }

    /// Records a batch that is being sent.
    ///
    /// - Parameters:
    ///   - count: The number of its commands, at least one.
    ///   - preamble: How many extra replies precede the batch's own.
    ///   - scriptCommands: All commands of the batch if it calls scripts; otherwise empty.
    ///   - deadline: The deadline for the replies; `nil` for no limit.
    ///   - waiter: The caller.
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

    /// Records the calls of a repetition, which are being sent now, behind all other batches.
    mutating func repeatScripts(_ repetition: Repetition) {
        batches.append(repetition.batch)
    }

    /// Processes the next reply from the server.
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
    /// - Returns: All waiters in order, each with whether its deadline has passed.
    mutating func removeAll(now: NIODeadline) -> [(waiter: Waiter, isLate: Bool)] {
        defer { batches = [] }
        return batches.map { batch in
            (batch.waiter, batch.deadline.map { $0 <= now } ?? false)
        }
    }
}
#endif
