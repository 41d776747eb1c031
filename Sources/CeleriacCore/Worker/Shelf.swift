import NIOConcurrencyHelpers

/// Jobs that wait for their time, each with a timer; they take no slot.
final class Shelf: Sendable {
    private struct Entry {
        let job: Job
        let timer: any RunningTimer
        /// Tells their order.
        let number: UInt64
    }
    private struct State {
        var timers: [ObjectIdentifier: Entry] = [:]
        var nextNumber: UInt64 = 0
        var isClosed = false
    }
    private let state = NIOLockedValueBox(State())

    /// How many jobs wait.
    var count: Int { state.withLockedValue { $0.timers.count } }

    /// The jobs that wait, in the order in which they came.
    var jobs: [Job] {
        state.withLockedValue { $0.timers.values.sorted { $0.number < $1.number } }.map(\.job)
    }

    /// Takes jobs out; their timers do nothing any more.
    func remove(where matches: (Job) -> Bool) -> [Job] {
        let removed = state.withLockedValue { state in
            let removed = state.timers.filter { matches($0.value.job) }
            for id in removed.keys { state.timers[id] = nil }
            return removed.values.sorted { $0.number < $1.number }
        }
        for entry in removed { entry.timer.cancel() }
        return removed.map(\.job)
    }

    /// Keeps a job until `delay` has passed, then passes it to `ready`.
    func put(_ job: Job, delay: Duration, timers: any TimerSource, ready: @escaping @Sendable (Job) -> Void) {
        let id = ObjectIdentifier(job)
        // Under the lock, so that the timer is known before it can fire.
        state.withLockedValue { state in
            guard !state.isClosed else { return }
            let timer = timers.schedule(after: delay) {
                let isDue = self.state.withLockedValue { $0.timers.removeValue(forKey: id) != nil }
                if isDue { ready(job) }
            }
            state.timers[id] = Entry(job: job, timer: timer, number: state.nextNumber)
            state.nextNumber += 1
        }
    }

    /// Stops all timers.
    ///
    /// - Returns: the jobs whose time had not come.
    func close() -> [Job] {
        let waiting = state.withLockedValue { state in
            state.isClosed = true
            defer { state.timers = [:] }
            return state.timers.values.sorted { $0.number < $1.number }
        }
        for entry in waiting { entry.timer.cancel() }
        return waiting.map(\.job)
    }
}
