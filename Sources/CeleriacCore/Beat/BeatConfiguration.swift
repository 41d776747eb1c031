public import CeleriacWire

/// How a ``Beat`` works.
public struct BeatConfiguration: Sendable {
    /// What becomes of runs that nobody sent when they were due.
    public var missedRuns: MissedRuns
    /// Runs of crontabs that are late by more than this are left out: Celery's `beat_cron_starting_deadline`.
    public var startingDeadline: Duration?
    /// The longest time without a look at the wall clock, which may be set: Celery's `beat_max_loop_interval`.
    /// From 10 ms to a day.
    public var maximumPause: Duration
    /// Headers of every task that is sent. Celery's beat sends `celery_beat_task: true`.
    public var headers: WireObject

    /// Makes a configuration.
    public init(
        missedRuns: MissedRuns = .once,
        startingDeadline: Duration? = nil,
        maximumPause: Duration = .seconds(300),
        headers: WireObject = [:]
    ) {
        self.missedRuns = missedRuns
        self.startingDeadline = startingDeadline
        self.maximumPause = maximumPause
        self.headers = headers
    }

    package func validate() throws(CeleriacError) {
        guard (.milliseconds(10))...(.seconds(86_400)) ~= maximumPause else {
            throw CeleriacError(.configuration, "the maximum pause is \(maximumPause): use 10 ms to a day")
        }
        if let startingDeadline, startingDeadline < .zero {
            throw CeleriacError(.configuration, "the starting deadline is \(startingDeadline): use 0 s or more")
        }
    }
}
