import NIOConcurrencyHelpers
import Synchronization

/// How long one run of a task may take.
public struct TimeLimits: Sendable, Hashable {
    /// After this time the handler's task is cancelled, so that the handler can clean up and end.
    public var soft: Duration?
    /// After this time the task counts as failed, whatever its handler does.
    public var hard: Duration?

    /// Makes limits; by default there are none.
    public init(soft: Duration? = nil, hard: Duration? = nil) {
        self.soft = soft
        self.hard = hard
    }
}

/// The timers of one run: the soft limit cancels the handler's task, the hard one decides the outcome.
final class TimeLimitWatch: Sendable {
    private let timers = NIOLockedValueBox<[any RunningTimer]>([])
    private let passedSoftLimit = Atomic(false)

    /// Whether the soft limit has passed.
    var softLimitPassed: Bool { passedSoftLimit.load(ordering: .acquiring) }

    /// Starts the timers; nil if the run has no limit. Limits that the sender asked for take precedence over the task's
    /// own.
    init?(job: Job, slot: Slot, ledger: Ledger, timers source: any TimerSource) {
        let (asked, own) = (job.request.timeLimits, job.registration.timeLimits)
        let (soft, hard) = (asked.soft ?? own.soft, asked.hard ?? own.hard)
        guard soft != nil || hard != nil else { return nil }
        if let soft {
            let timer = source.schedule(after: soft) {
                self.passedSoftLimit.store(true, ordering: .releasing)
                slot.cancel(job)
            }
            timers.withLockedValue { $0.append(timer) }
        }
        if let hard {
            let timer = source.schedule(after: hard) {
                ledger.finish(job, .timedOut(limit: hard.seconds))
                slot.cancel(job)
            }
            timers.withLockedValue { $0.append(timer) }
        }
    }

    func end() {
        for timer in timers.withLockedValue({ $0 }) { timer.cancel() }
    }
}
