import NIOConcurrencyHelpers
import NIOCore

/// Answers health checks about one worker, on an event loop that the worker does not use: a worker that stands still cannot
/// say so itself. Others than workers are asked in the same words (``HealthSubject``).
final class HealthDesk: Sendable {
    /// How long servers may take to answer: as long as a result store may be silent before that is an outage.
    static let patience = Duration.seconds(StoreReach.patience)

    /// Where answers are made.
    let executor: EventLoopTaskExecutor
    /// What is answered about metrics; nil for nothing.
    let metrics: (any MetricsPage)?
    private let health: any HealthSubject
    private let timers: EventLoopTimerSource
    private let pulse: NIOLockedValueBox<LoopPulse>

    init(
        _ health: any HealthSubject, metrics: (any MetricsPage)?, loopPatience: Duration, on eventLoop: any EventLoop
    ) {
        self.health = health
        self.metrics = metrics
        self.executor = EventLoopTaskExecutor(eventLoop)
        self.timers = EventLoopTimerSource(eventLoop: eventLoop)
        self.pulse = NIOLockedValueBox(LoopPulse(patience: loopPatience))
    }

    /// Looks whether the worker's loop runs.
    func look() {
        let steps = health.progress.steps
        guard pulse.withLockedValue({ $0.look(steps, at: .now) }) else { return }
        Task(executorPreference: health.executor) { [pulse] in pulse.withLockedValue { $0.answered() } }
    }

    /// Answers a check. It takes no longer than ``patience``.
    func report(on question: HealthReport.Question) async -> HealthReport {
        var reasons = pulse.withLockedValue { $0.reason(at: .now) }.map { [$0] } ?? []
        if question == .ready { reasons += await health.reasonsNotReady(within: Self.patience, timers: timers) }
        return HealthReport(question: question, worker: health.nodeName, reasons: reasons)
    }
}
