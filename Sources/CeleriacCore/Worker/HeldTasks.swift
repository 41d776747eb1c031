import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// The tasks whose messages this worker has, and those that it has settled lately.
///
/// When a connection is lost, or a claim expires, the broker delivers messages again whose tasks still wait here, run
/// here, or have ended here without the broker having heard of it. Such a redelivery takes over: the task does not
/// begin once more, and the new receipt is settled in place of the lost one.
final class HeldTasks: Sendable {
    /// What a redelivery takes over.
    enum Takeover: Sendable, Hashable {
        /// A task that waits or runs. Its end settles the new receipt.
        case task
        /// A task that has ended. The new receipt is to be settled like this, at once, and these results, which the
        /// store does not keep, are to be sent again.
        case ending(Settlement.Disposition, answers: [ResultRecord] = [])
    }
    private struct State {
        var jobs = JobTable()
        var endings = Endings()
    }
    private let consumer: any MessageConsumer
    private let timers: any TimerSource
    private let state = NIOLockedValueBox(State())

    init(consumer: any MessageConsumer, timers: any TimerSource) {
        self.consumer = consumer
        self.timers = timers
    }

    /// How many tasks wait or run, or have ended and are not settled yet.
    var count: Int { state.withLockedValue { $0.jobs.count } }

    /// Adds a job that the worker has taken.
    func insert(_ job: Job) { state.withLockedValue { $0.jobs.insert(job) } }

    /// Whether the worker still holds the message of a job that has not begun. If not, the job is dropped: it must not
    /// begin, and a redelivery of its message is a task of its own.
    func keeps(_ job: Job) -> Bool {
        if job.keep(isHeld: { consumer.isHeld($0) }) { return true }
        state.withLockedValue { $0.jobs.remove(job) }
        return false
    }

    /// Lets go of jobs that have not begun, because their messages are given back: each that comes again is a task of its
    /// own.
    func leave(_ jobs: [Job]) {
        for job in jobs { _ = job.keep { _ in false } }
        state.withLockedValue { state in for job in jobs { state.jobs.remove(job) } }
    }

    /// The tasks that have ended, but whose messages are not settled.
    var unsettledJobs: [Job] { state.withLockedValue { $0.jobs.jobs }.filter { $0.hasOutcome && $0.ending == nil } }

    /// The receipts of the tasks that have ended, but whose messages are not settled.
    var unsettled: [Receipt] { unsettledJobs.map(\.receipt) }

    /// Lets a redelivery take over the task whose message it is, if the worker has it.
    ///
    /// One caller at a time may call it.
    ///
    /// - Parameters:
    ///   - message: the message that the broker says it delivers again.
    ///   - receipt: the receipt of that delivery.
    /// - Returns: what the redelivery takes over; nil if it is a task of its own.
    func takeOver(_ message: MessageIdentity, by receipt: Receipt) async -> Takeover? {
        for job in state.withLockedValue({ $0.jobs.jobs(withID: message.id) }) where job.message == message {
            let old = job.receipt
            // What the worker holds is another message, for instance the same task sent twice.
            let isLost = if old.generation != receipt.generation { true } else { await consumer.hasLost(old) }
            if isLost, let takeover = job.takeOver(by: receipt) { return takeover }
        }
        let now = timers.now
        return state.withLockedValue { $0.endings.takeOver(message, by: receipt, now: now) }
    }

    /// Whether a message that comes back from where it waited for its time is a copy of one that this worker has kept,
    /// because it did not hear that the broker has the copy.
    func outdo(_ message: MessageIdentity) -> Bool {
        state.withLockedValue { $0.jobs.jobs(withID: message.id) }.contains { $0.outdoes(message) }
    }

    /// Notes that the messages of plans were settled.
    ///
    /// - Parameters:
    ///   - plans: the plans. Those without a job are skipped.
    ///   - hasReached: whether the consumer says that all settlements have reached the broker.
    ///   - tooLate: the receipts that the broker may have taken back before they were settled.
    /// - Returns: the results to send again, since their callers may have been away when the worker was.
    func settled(_ plans: [Plan], hasReached: Bool, tooLate: Set<Receipt> = []) -> [ResultRecord] {
        let now = timers.now
        var answers: [ResultRecord] = []
        state.withLockedValue { state in
            // A redelivery that took over an ending has no job, and may itself have come too late.
            if !tooLate.isEmpty { state.endings.doubt(settledBy: tooLate, now: now) }
            for plan in plans {
                guard let job = plan.job, let ending = job.ending else { continue }
                state.jobs.remove(job)
                // The redelivery of a message that was to go back is what was asked for.
                if ending.disposition == .requeue { continue }
                let isLost = ending.wasLost || !hasReached || tooLate.contains(ending.receipt)
                let sendsAgain = isLost || ending.isTakenOver
                if sendsAgain { answers += ending.answers }
                state.endings.add(
                    job.message, ending.disposition, answers: sendsAgain ? [] : ending.answers,
                    receipt: ending.receipt, isLost: isLost, now: now)
            }
        }
        return answers
    }
}
