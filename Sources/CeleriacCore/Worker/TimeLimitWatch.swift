import NIOConcurrencyHelpers
import Synchronization

/// The timers of one run: the soft limit cancels the handler's task, the hard one decides the outcome.
final class TimeLimitWatch: Sendable {
    private let timers = NIOLockedValueBox<[any RunningTimer]>([])
    private let passedSoftLimit = Atomic(false)

    /// Whether the soft limit has passed.
    var softLimitPassed: Bool { passedSoftLimit.load(ordering: .acquiring) }

    /// Starts the timers, or returns nil where there is no limit. What the sender asks for wins over the task's own.
    init?(job: Job, slot: Slot, session: WorkerSession) {
        let asked = job.request.timeLimits
        let own = job.registration.timeLimits
        let source = session.worker.timers
        guard asked.soft ?? own.soft ?? asked.hard ?? own.hard != nil else { return nil }
        if let soft = asked.soft ?? own.soft {
            let timer = source.schedule(after: soft) {
                self.passedSoftLimit.store(true, ordering: .releasing)
                slot.cancel(job)
            }
            timers.withLockedValue { $0.append(timer) }
        }
        if let hard = asked.hard ?? own.hard {
            let timer = source.schedule(after: hard) {
                session.finish(job, .timedOut(limit: hard.seconds))
                slot.cancel(job)
            }
            timers.withLockedValue { $0.append(timer) }
        }
    }

    func end() {
        for timer in timers.withLockedValue({ $0 }) { timer.cancel() }
    }
}
