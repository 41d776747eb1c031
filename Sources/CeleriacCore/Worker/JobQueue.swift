import DequeModule
import NIOConcurrencyHelpers

/// Jobs that wait for a free slot.
final class JobQueue: Sendable {
    private struct State {
        var jobs = Deque<Job>()
        /// Slots that wait. A woken slot takes its job from the queue itself, under the lock.
        var idle: [CheckedContinuation<Void, Never>] = []
        /// How many slots must end when they ask for their next job.
        var dismissals = 0
        var isClosed = false

        /// Whether the slot that asks must end.
        mutating func dismiss() -> Bool {
            guard dismissals > 0 else { return false }
            dismissals -= 1
            return true
        }
    }
    private let state = NIOLockedValueBox(State())
    private let stopping: Gate
    /// Called with the change when more or fewer slots wait for a job.
    private let onIdleChange: @Sendable (Int) -> Void

    /// Makes an empty queue.
    ///
    /// - Parameters:
    ///   - stopping: once it is open the queue stops handing out jobs, even before ``close()``.
    ///   - onIdleChange: called with the change when more or fewer slots wait for a job.
    init(stopping: Gate, onIdleChange: @escaping @Sendable (Int) -> Void) {
        self.stopping = stopping
        self.onIdleChange = onIdleChange
    }

    /// The jobs that wait, in order.
    var waiting: [Job] { state.withLockedValue { Array($0.jobs) } }

    /// How many jobs wait.
    var count: Int { state.withLockedValue { $0.jobs.count } }

    /// Adds jobs at the end, or in front of those that wait.
    func push(_ jobs: some Collection<Job>, inFront: Bool = false) {
        var woken: [CheckedContinuation<Void, Never>] = []
        state.withLockedValue { state in
            guard !state.isClosed else { return }
            if inFront { state.jobs.insert(contentsOf: jobs, at: 0) } else { state.jobs.append(contentsOf: jobs) }
            while !stopping.isOpen, woken.count < state.jobs.count, let slot = state.idle.popLast() {
                woken.append(slot)
            }
        }
        if woken.isEmpty { return }
        onIdleChange(-woken.count)
        for slot in woken { slot.resume() }
    }

    /// Takes out all jobs that wait.
    ///
    /// - Returns: the jobs, in order.
    func takeWaiting() -> [Job] {
        state.withLockedValue { state in
            defer { state.jobs = [] }
            return Array(state.jobs)
        }
    }

    /// Waits for the next job. Returns nil once the queue is closed, or when the slot must end.
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

    /// Ends `count` slots: idle ones now, others after their job.
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

    /// Keeps up to `count` dismissed slots that have not ended yet.
    ///
    /// - Returns: how many slots it keeps.
    func keepSlots(_ count: Int) -> Int {
        state.withLockedValue { state in
            let kept = min(count, state.dismissals)
            state.dismissals -= kept
            return kept
        }
    }

    /// Stops handing out jobs.
    ///
    /// - Returns: the jobs that had not begun, in order.
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
