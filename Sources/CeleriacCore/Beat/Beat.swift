public import CeleriacWire
package import Logging
public import ServiceLifecycle

/// Sends tasks when their schedules say so: Celery's beat.
///
/// A beat is a service: run it in a `ServiceGroup`, or call ``run()``. It sleeps until the next run is due.
///
/// The beat writes down every run as sent before it sends it: a beat that is killed in between leaves out that run rather
/// than send it twice. A run is not lost while the broker is out of reach: the beat sends it when the broker is back. (If
/// the connection broke after the sending and before the confirmation, the run is then sent twice.)
///
/// Several beats may have the same entries, and keep out of each other's way in one of two manners:
///
/// * With a ``DistributedLock`` one beat at a time sends: the one that holds the lock. What it remembers lies with the lock, so that the
///   next one goes on exactly where it ended. A beat that loses the lock sends what it has written down, then nothing more,
///   and waits for the lock. This is what `CeleryApp.beat` offers.
/// * With a lock for each run every beat is awake, and asks before each run whether the run is its own. The beats share no
///   memory but who took which run. This is how Machinery's processes work together, and the beats of a `MachineryServer`
///   with them.
public final class Beat: Service {
    let client: TaskClient
    let entries: [BeatEntry]
    let configuration: BeatConfiguration
    let lock: (any DistributedLock)?
    let store: (any BeatStateStore)?
    let timers: any TimerSource
    let logger: Logger
    let signal = WakeSignal()
    private let executor: (any TaskExecutor)?
    private let isLeading = Gate()

    /// Makes a beat from its parts.
    ///
    /// - Parameter executor: the executor on which it runs, one that handlers cannot block; nil for the concurrency pool.
    /// - Throws: ``CeleriacError`` with code `configuration` for settings that cannot work, or for two entries with one name.
    package init(
        client: TaskClient,
        entries: [BeatEntry],
        configuration: BeatConfiguration,
        lock: (any DistributedLock)?,
        store: (any BeatStateStore)?,
        timers: any TimerSource,
        executor: (any TaskExecutor)?,
        logger: Logger
    ) throws(CeleriacError) {
        try configuration.validate()
        var names: Set<String> = []
        for entry in entries where !names.insert(entry.name).inserted {
            throw CeleriacError(.configuration, "two entries of the schedule are named '\(entry.name)'")
        }
        self.client = client
        self.entries = entries
        self.configuration = configuration
        self.lock = lock
        self.store = store
        self.timers = timers
        self.executor = executor
        self.logger = logger
    }

    /// Sends tasks until a graceful shutdown, ``stop()`` or cancellation.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for a state file that cannot be read.
    public func run() async throws {
        try await withTaskExecutorPreference(executor) {
            try await withTaskCancellationOrGracefulShutdownHandler {
                try await BeatSession(beat: self).run { self.isLeading.open() }
            } onCancelOrGracefulShutdown: {
                self.stop()
            }
        }
    }

    /// Begins a stop; ``run()`` returns once the beat has sent what it is sending now.
    public func stop() { signal.stop() }

    /// Returns once the beat sends, which it does at once unless another beat holds the lock.
    public func leading() async { await isLeading.wait() }
}

/// How a ``Beat`` works.
public struct BeatConfiguration: Sendable {
    /// What becomes of runs that nobody sent when they were due.
    public var missedRuns: MissedRuns
    /// Runs of crontabs that are late by more than this are left out: Celery's `beat_cron_starting_deadline`. Nil for no
    /// limit.
    public var startingDeadline: Duration?
    /// The longest time for which the beat sleeps without looking at the wall clock, which somebody may set: Celery's
    /// `beat_max_loop_interval`. From 10 ms to a day.
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

    /// Checks the settings.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for one that cannot work.
    package func validate() throws(CeleriacError) {
        guard (.milliseconds(10))...(.seconds(86_400)) ~= maximumPause else {
            throw CeleriacError(.configuration, "the maximum pause is \(maximumPause): use 10 ms to a day")
        }
        if let startingDeadline, startingDeadline < .zero {
            throw CeleriacError(.configuration, "the starting deadline is \(startingDeadline): use 0 s or more")
        }
    }
}

/// What becomes of the runs of an entry that were due while nobody could send them: before a beat began, or while it was
/// held up.
public enum MissedRuns: String, Sendable, Hashable, CaseIterable {
    /// However many were missed, the task is sent once. Celery's way.
    case once
    /// Runs from before this beat began are not sent; of those that it missed later, it sends the last.
    case skip
    /// The task is sent once for each run, but only for the last 1,000.
    case all
}
