public import CeleriacWire
package import Logging
import NIOConcurrencyHelpers
public import ServiceLifecycle
import UnixSignals

/// Sends tasks when their schedules say so: Celery's beat.
///
/// A beat is a service: run it in a `ServiceGroup`, or call ``run()``. It sleeps until the next run is due.
///
/// The beat records every run as sent before it sends it, so a beat that is killed in between skips that run rather
/// than send it twice. A run is not lost while the broker is out of reach: the beat sends it when the broker is back.
/// If the connection broke after the broker took the message and before it confirmed that, the run is sent twice.
///
/// Several beats may have the same entries. They avoid sending a run twice in one of two ways:
///
/// * With a ``DistributedLock``, only the beat that holds the lock sends. It keeps its memory beside the lock, so that
///   the next holder continues exactly where it ended. A beat that loses the lock sends the runs that it has recorded,
///   then stops sending and waits for the lock. This is what `CeleryApp.beat` offers.
/// * With a lock for each run, every beat is awake and asks before each run whether to send it. The beats share nothing
///   but which of them took which run. Machinery's processes work this way, and so do the beats of a `MachineryServer`.
public final class Beat: Service {
    let client: TaskClient
    let entries: [BeatEntry]
    package let configuration: BeatConfiguration
    let lock: (any DistributedLock)?
    let store: (any BeatStateStore)?
    let timers: any TimerSource
    let logger: Logger
    let signal = WakeSignal()
    let executor: (any TaskExecutor)?
    private let isLeading = Gate()
    private let stopping = Gate()
    /// Open once ``hasGivenUp``.
    private let givingUp = Gate()
    private let lastLook = NIOLockedValueBox<SuspendingClock.Instant?>(nil)

    /// Makes a beat from its parts.
    ///
    /// - Parameters:
    ///   - client: the client that sends the tasks.
    ///   - entries: the tasks and their schedules.
    ///   - configuration: how the beat works.
    ///   - lock: the lock under which one beat at a time sends; nil for a beat that always sends. The beat does not
    ///     close it.
    ///   - store: where the beat keeps the last runs; nil to keep them only with the lock, or not at all.
    ///   - timers: where the beat takes the time and its timers from.
    ///   - executor: the executor on which the beat runs, one that handlers cannot block; nil for the concurrency pool.
    ///   - logger: the beat's logger.
    /// - Throws: ``CeleriacError`` with code `configuration` for settings that cannot work, or for two entries with one
    ///   name.
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

    /// Sends tasks until a graceful shutdown, ``stop()`` or cancellation. The stop takes no longer than ten seconds,
    /// whatever the servers do.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` if the remembered state is not one that this beat can
    ///   read. A beat without a lock also throws the error of a state store that is out of reach when it begins.
    public func run() async throws {
        try await withTaskExecutorPreference(executor) {
            try await withTaskCancellationOrGracefulShutdownHandler {
                let bound = StopBound(
                    stopping: self.stopping, limit: .seconds(10), signals: [.sigint, .sigterm], timers: self.timers,
                    executor: self.executor)
                let hasEnded = try await bound.run {
                    try await BeatSession(beat: self).run { self.isLeading.open() }
                }
                if !hasEnded {
                    self.givingUp.open()
                    (self.client.broker.unwrapped as? any DoubtedServer)?.doubt()
                    self.logger.error(
                        """
                        the beat waits no longer for a server that does not answer: a task that it was sending may not \
                        arrive, and its lock, if it has one, is free when the lease ends
                        """)
                }
            } onCancelOrGracefulShutdown: {
                self.stop()
            }
        }
    }

    /// Begins a stop. ``run()`` returns once the beat has finished what it is sending now.
    public func stop() {
        signal.stop()
        stopping.open()
    }

    /// Whether the beat waits no longer for a server that did not answer before its stop had to end. ``run()`` returns
    /// normally all the same.
    package var hasGivenUp: Bool { givingUp.isOpen }

    /// How long ago the beat looked at its schedule; nil before it began. Negative while another beat holds the lock, as long
    /// as this one need not look.
    package var timeSinceLook: Duration? {
        lastLook.withLockedValue { $0 }.map { $0.duration(to: SuspendingClock.now) }
    }

    /// Notes that the beat looks at its schedule now, and need not look again until a time is over.
    func noteLook(sleeping time: Duration = .zero) {
        let look = SuspendingClock.now.advanced(by: time)
        lastLook.withLockedValue { $0 = look }
    }

    /// Returns once the beat has begun to send, which it does at once unless another beat holds the lock.
    public func leading() async { await isLeading.wait() }
}

/// How a ``Beat`` works.
public struct BeatConfiguration: Sendable {
    /// What the beat does about runs that nobody sent when they were due.
    public var missedRuns: MissedRuns
    /// The beat skips runs of crontabs that are late by more than this: Celery's `beat_cron_starting_deadline`. Nil for
    /// no limit.
    public var startingDeadline: Duration?
    /// The longest time that the beat sleeps before it looks at the wall clock again, which somebody may have set:
    /// Celery's `beat_max_loop_interval`. From 10 ms to a day.
    public var maximumPause: Duration
    /// Headers that the beat adds to every task. Celery's beat sends `celery_beat_task: true`.
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
    /// - Throws: ``CeleriacError`` with code `configuration` for a setting that cannot work.
    package func validate() throws(CeleriacError) {
        guard (.milliseconds(10))...(.seconds(86_400)) ~= maximumPause else {
            throw CeleriacError(.configuration, "the maximum pause is \(maximumPause): use 10 ms to a day")
        }
        if let startingDeadline, startingDeadline < .zero {
            throw CeleriacError(.configuration, "the starting deadline is \(startingDeadline): use 0 s or more")
        }
    }
}

/// What a beat does about the runs of an entry that were due while nobody could send them: before the beat began, or
/// while it was held up.
public enum MissedRuns: String, Sendable, Hashable, CaseIterable {
    /// Sends the task once, however many runs were missed, as Celery does.
    case once
    /// Skips runs from before this beat began; of those that it missed later, sends the last.
    case skip
    /// Sends the task once for each missed run, but only for the last 1,000.
    case all
}
