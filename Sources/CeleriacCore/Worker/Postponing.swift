import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// The jobs whose messages are being copied to where the broker keeps them until their times.
///
/// They do not count in the window, like those in the waiting room. But nothing ends them or gives them back meanwhile,
/// or the broker would have the message twice.
final class Postponing: Sendable {
    private struct State {
        var count = 0
        var isClosed = false
        /// Jobs whose messages were not copied before the worker stopped.
        var unmoved: [Job] = []
    }
    /// How many messages are copied in one go. If the connection is lost meanwhile, so many at most are here and there.
    private static let batch = 100

    private let consumer: (any PostponingConsumer)?
    private let capacity: Capacity
    private let revokedTasks: RevokedTasks
    private let lane = Lane<Job>()
    private let state = NIOLockedValueBox(State())
    private let isDone = Gate()

    /// Makes the place, which is empty.
    ///
    /// - Parameters:
    ///   - consumer: copies the messages; nil if it cannot.
    ///   - capacity: counts the messages in the window.
    ///   - revokedTasks: has to know how long the tasks wait.
    init(consumer: (any PostponingConsumer)?, capacity: Capacity, revokedTasks: RevokedTasks) {
        self.consumer = consumer
        self.capacity = capacity
        self.revokedTasks = revokedTasks
    }

    /// How many jobs there are.
    var count: Int { state.withLockedValue { $0.count } }

    /// Takes a job whose time is `delay` from now, if that is further away than the worker should hold its message.
    ///
    /// - Returns: whether it has taken the job.
    func take(_ job: Job, delay: Duration) -> Bool {
        guard let longest = consumer?.longestHold, delay > longest, let time = job.request.eta else { return false }
        revokedTasks.note(job.request.id, at: time)
        state.withLockedValue { $0.count += 1 }
        capacity.release(1)
        lane.put(job)
        return true
    }

    /// Has messages copied, those that wait in one go, until ``close()``.
    ///
    /// - Parameter leave: gets the jobs of which the broker has a copy, and the others. From then on all of them count
    ///   in the window.
    func run(leave: ([Job], _ unmoved: [Job]) async -> Void) async {
        while case let jobs = await lane.take(), !jobs.isEmpty {
            for start in stride(from: 0, to: jobs.count, by: Self.batch) {
                await copy(Array(jobs[start..<min(start + Self.batch, jobs.count)]), leave)
            }
        }
        isDone.open()
    }

    private func copy(_ jobs: [Job], _ leave: ([Job], _ unmoved: [Job]) async -> Void) async {
        var areMoved: [Bool] = []
        if let consumer, !state.withLockedValue({ $0.isClosed }) {
            areMoved = await consumer.postpone(
                jobs.map { Postponement($0.receipt, until: $0.request.eta ?? .distantPast) })
        }
        var (moved, unmoved): ([Job], [Job]) = ([], [])
        for (place, job) in jobs.enumerated() {
            if areMoved.indices.contains(place), areMoved[place] {
                moved.append(job)
            } else {
                // Nobody may have heard that the broker has the copy.
                job.mayHaveCopy()
                unmoved.append(job)
            }
        }
        capacity.take(jobs.count)
        state.withLockedValue { state in
            state.count -= jobs.count
            guard state.isClosed else { return }
            state.unmoved += unmoved
            unmoved = []
        }
        await leave(moved, unmoved)
    }

    /// Has no further message copied.
    func close() {
        state.withLockedValue { $0.isClosed = true }
        lane.close()
    }

    /// Waits until no message is being copied any more.
    ///
    /// - Returns: the jobs of which the broker has no copy.
    func unmoved() async -> [Job] {
        await isDone.wait()
        return state.withLockedValue { $0.unmoved }
    }
}
