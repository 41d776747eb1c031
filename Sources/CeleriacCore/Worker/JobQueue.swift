import DequeModule
import NIOConcurrencyHelpers

/// Jobs that wait for a free slot.
final class JobQueue: Sendable {
    private struct State {
        var jobs = Deque<Job>()
        /// Slots that wait. Jobs are not handed to them but taken by them, under the lock.
        var idle: [CheckedContinuation<Void, Never>] = []
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
        var woken: [CheckedContinuation<Void, Never>] = []
        state.withLockedValue { state in
            guard !state.isClosed else { return }
            state.jobs.append(contentsOf: jobs)
            while !stopping.isOpen, woken.count < state.jobs.count, let slot = state.idle.popLast() {
                woken.append(slot)
            }
        }
        if woken.isEmpty { return }
        onIdleChange(-woken.count)
        for slot in woken { slot.resume() }
    }

    /// The next job, or nil once the queue is closed, or where the slot is to end.
    func next() async -> Job? {
        while true {
            let ready: Job?? = state.withLockedValue { state in
                if state.isClosed || stopping.isOpen || state.dismiss() { return .some(nil) }
                return state.jobs.popFirst().map { .some($0) } ?? .none
            }
            if let ready { return ready }
            onIdleChange(1)
            await withCheckedContinuation { continuation in
                let isDue = state.withLockedValue { state in
                    if state.isClosed || stopping.isOpen || state.dismissals > 0 || !state.jobs.isEmpty { return true }
                    state.idle.append(continuation)
                    return false
                }
                guard isDue else { return }
                onIdleChange(-1)
                continuation.resume()
            }
        }
    }

    /// Lets so many slots end: idle ones now, others after their job.
    func dismissSlots(_ count: Int) {
        let woken = state.withLockedValue { state in
            state.dismissals += count
            let woken = state.idle.suffix(count)
            state.idle.removeLast(woken.count)
            return woken
        }
        onIdleChange(-woken.count)
        for slot in woken { slot.resume() }
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
        for slot in idle { slot.resume() }
        return waiting
    }
}
