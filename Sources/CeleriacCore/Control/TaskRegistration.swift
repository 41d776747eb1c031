import NIOConcurrencyHelpers
import Synchronization

import struct FoundationEssentials.Date

/// How often a worker may begin a task.
public struct RateLimit: Sendable, Hashable, CustomStringConvertible {
    /// The limit as it was written.
    public let description: String
    /// How many runs may begin per second; more than 0.
    public let perSecond: Double

    /// Makes a limit; nil unless both the number of runs and the period are finite and greater than zero.
    ///
    /// - Parameters:
    ///   - runs: how many runs may begin in a period.
    ///   - period: how long a period is.
    public init?(_ runs: Double, per period: Duration = .seconds(1)) {
        self.init(perSecond: runs / period.seconds, description: "\(runs) per \(period)")
    }

    /// Makes a limit with the text that it was written as; nil unless it is finite and greater than zero.
    package init?(perSecond: Double, description: String) {
        guard perSecond.isFinite, perSecond > 0 else { return nil }
        self.description = description
        self.perSecond = perSecond
    }
}

/// A task as one session serves it: its handler, how often the handler began, and the limits as they are now.
final class TaskRegistration: Sendable {
    private struct State {
        var timeLimits: TimeLimits
        var rateLimit: RateLimit?
        /// When the next run may begin.
        var nextRun = Date.distantPast
    }
    let handler: TaskHandler
    /// How the task is retried.
    let retryPolicy: RetryPolicy
    private let state: NIOLockedValueBox<State>
    private let runs = Synchronization.Atomic(0)
    private let followsRateLimits: Bool
    private let isLimited: Synchronization.Atomic<Bool>

    /// Registers a handler.
    ///
    /// - Parameters:
    ///   - handler: the task's handler and its options.
    ///   - retryPolicy: how the task is retried if its options do not say.
    ///   - followsRateLimits: whether runs wait for their turns under a rate limit.
    init(_ handler: TaskHandler, retryPolicy: RetryPolicy, followsRateLimits: Bool = true) {
        self.handler = handler
        var policy = handler.options.retry ?? retryPolicy
        if let limit = handler.options.retryLimit { policy.maximumRetries = limit < Int.max ? limit : nil }
        // As in Celery, a growing delay stays.
        if case .fixed = policy.delay, let delay = handler.options.retryDelay { policy.delay = .fixed(delay) }
        self.retryPolicy = policy
        let rateLimit = handler.options.rateLimit
        state = NIOLockedValueBox(State(timeLimits: handler.options.timeLimits, rateLimit: rateLimit))
        self.followsRateLimits = followsRateLimits
        isLimited = Synchronization.Atomic(followsRateLimits && rateLimit != nil)
    }

    /// The options under which the task runs now.
    var options: TaskOptions {
        var options = handler.options
        options.timeLimits = timeLimits
        options.rateLimit = rateLimit
        options.retry = retryPolicy
        return options
    }

    /// How often the handler began.
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
            isLimited.store(followsRateLimits && newValue != nil, ordering: .releasing)
        }
    }

    /// Takes the next turn under the rate limit.
    ///
    /// - Returns: how many seconds to wait for the turn; nil if the task may begin now.
    func takeTurn(at now: @autoclosure () -> Date) -> Double? {
        guard isLimited.load(ordering: .acquiring) else { return nil }
        let now = now()
        return state.withLockedValue { state in
            guard let limit = state.rateLimit else { return nil }
            let turn = max(now, state.nextRun)
            state.nextRun = turn.addingTimeInterval(1 / limit.perSecond)
            let delay = turn.timeIntervalSince(now)
            return delay > 0 ? delay : nil
        }
    }
}
