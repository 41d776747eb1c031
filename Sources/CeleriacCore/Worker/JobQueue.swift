import DequeModule
import NIOConcurrencyHelpers

/// Jobs that wait for a free slot.
final class JobQueue: Sendable {
    private struct State {
        var jobs = Deque<Job>()
        var idle: [CheckedContinuation<Job?, Never>] = []
        /// How many slots are to end when they come for their next job.
        var dismissals = 0
        var isClosed = false

        /// Whether the slot that asks is to end.
        mutating func dismiss() -> Bool {
            guard dismissals > 0 else { return false }
            dismissals -= 1
            return true
        }
    }
    private let state = NIOLockedValueBox(State())
    private let stopping: Gate
    /// Called when more slots wait for a job, or fewer.
    private let onIdleChange: @Sendable (Int) -> Void

    /// - Parameter stopping: once it is open no job is handed out any more, even before ``close()``.
    init(stopping: Gate, onIdleChange: @escaping @Sendable (Int) -> Void) {
        self.stopping = stopping
        self.onIdleChange = onIdleChange
    }

    var isEmpty: Bool { state.withLockedValue { $0.jobs.isEmpty } }

    /// The jobs that wait, in their order.
    var waiting: [Job] { state.withLockedValue { Array($0.jobs) } }

    func push(_ jobs: some Collection<Job>) {
        var handovers: [(CheckedContinuation<Job?, Never>, Job)] = []
        state.withLockedValue { state in
            guard !state.isClosed else { return }
            state.jobs.append(contentsOf: jobs)
            while !stopping.isOpen, !state.jobs.isEmpty, let slot = state.idle.popLast() {
                handovers.append((slot, state.jobs.removeFirst()))
            }
        }
        if handovers.isEmpty { return }
        onIdleChange(-handovers.count)
        for (slot, job) in handovers { slot.resume(returning: job) }
    }

    /// The next job, or nil once the queue is closed, or where the slot is to end.
    func next() async -> Job? {
        let ready: Job?? = state.withLockedValue { state in
            if state.isClosed || stopping.isOpen || state.dismiss() { return .some(nil) }
            return state.jobs.popFirst().map { .some($0) } ?? .none
        }
        if let ready { return ready }
        onIdleChange(1)
        return await withCheckedContinuation { continuation in
            let ready: Job?? = state.withLockedValue { state in
                if state.isClosed || stopping.isOpen || state.dismiss() { return .some(nil) }
                if let job = state.jobs.popFirst() { return .some(job) }
                state.idle.append(continuation)
                return .none
            }
            guard let ready else { return }
            onIdleChange(-1)
            continuation.resume(returning: ready)
        }
    }

    /// Lets so many slots end: idle ones now, others after their job.
    func dismissSlots(_ count: Int) {
        let dismissed = state.withLockedValue { state in
            state.dismissals += count
            var dismissed: [CheckedContinuation<Job?, Never>] = []
            while let slot = state.idle.last, state.dismiss() {
                state.idle.removeLast()
                dismissed.append(slot)
            }
            return dismissed
        }
        for slot in dismissed { slot.resume(returning: nil) }
    }

    /// Keeps slots that were to end and have not yet.
    ///
    /// - Returns: how many, of so many at most.
    func keepSlots(_ count: Int) -> Int {
        state.withLockedValue { state in
            let kept = min(count, state.dismissals)
            state.dismissals -= kept
            return kept
        }
    }

    /// Hands out nothing any more.
    ///
    /// - Returns: the jobs that had not begun, in their order.
    func close() -> [Job] {
        let (idle, waiting) = state.withLockedValue { state in
            state.isClosed = true
            defer {
                state.idle = []
                state.jobs = []
            }
            return (state.idle, Array(state.jobs))
        }
        for slot in idle { slot.resume(returning: nil) }
        return waiting
    }
}
