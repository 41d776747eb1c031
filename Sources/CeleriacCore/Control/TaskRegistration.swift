import NIOConcurrencyHelpers
import Synchronization

import struct FoundationEssentials.Date

/// A task as one session serves it: its handler, how often it began, and what was changed about it since the start.
final class TaskRegistration: Sendable {
    private struct State {
        var timeLimits: TimeLimits
        var rateLimit: RateLimit?
        /// When the next run may begin.
        var nextRun = Date.distantPast
    }
    let handler: TaskHandler
    private let state: NIOLockedValueBox<State>
    private let runs = Synchronization.Atomic(0)
    private let isLimited: Synchronization.Atomic<Bool>

    init(_ handler: TaskHandler) {
        self.handler = handler
        let rateLimit = handler.options.rateLimit
        state = NIOLockedValueBox(State(timeLimits: handler.options.timeLimits, rateLimit: rateLimit))
        isLimited = Synchronization.Atomic(rateLimit != nil)
    }

    /// How often a handler of the task was begun.
    var runCount: Int { runs.load(ordering: .relaxed) }

    func countRun() { runs.add(1, ordering: .relaxed) }

    /// The limits of runs whose sender asked for none.
    var timeLimits: TimeLimits {
        get { state.withLockedValue { $0.timeLimits } }
        set { state.withLockedValue { $0.timeLimits = newValue } }
    }

    var rateLimit: RateLimit? {
        get { state.withLockedValue { $0.rateLimit } }
        set {
            state.withLockedValue { state in
                state.rateLimit = newValue
                state.nextRun = .distantPast
            }
            isLimited.store(newValue != nil, ordering: .releasing)
        }
    }

    /// Takes the next turn under the rate limit.
    ///
    /// - Returns: how long it is until then, in seconds; nil where it has come.
    func takeTurn(now: Date) -> Double? {
        guard isLimited.load(ordering: .acquiring) else { return nil }
        return state.withLockedValue { state in
            guard let limit = state.rateLimit else { return nil }
            let turn = max(now, state.nextRun)
            state.nextRun = turn.addingTimeInterval(1 / limit.perSecond)
            let delay = turn.timeIntervalSince(now)
            return delay > 0 ? delay : nil
        }
    }
}
