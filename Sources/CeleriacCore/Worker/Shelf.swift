import NIOConcurrencyHelpers

/// Jobs that wait for their time, each with a timer; they take no slot.
final class Shelf: Sendable {
    private struct State {
        var timers: [ObjectIdentifier: (job: Job, timer: any RunningTimer)] = [:]
        var isClosed = false
    }
    private let state = NIOLockedValueBox(State())

    /// How many jobs wait.
    var count: Int { state.withLockedValue { $0.timers.count } }

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
            state.timers[id] = (job, timer)
        }
    }

    /// Stops all timers.
    ///
    /// - Returns: the jobs whose time had not come.
    func close() -> [Job] {
        let waiting = state.withLockedValue { state in
            state.isClosed = true
            defer { state.timers = [:] }
            return Array(state.timers.values)
        }
        for (_, timer) in waiting { timer.cancel() }
        return waiting.map(\.job)
    }
}
