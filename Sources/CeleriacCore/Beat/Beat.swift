package import Logging
public import ServiceLifecycle

/// Sends tasks when their schedules say so: Celery's beat.
///
/// A beat is a service: run it in a `ServiceGroup`, or call ``run()``. It sleeps until the next run is due.
///
/// Every run is written down as sent before it is: a beat that is killed in between leaves out that run rather than send it
/// twice. A run that finds the broker out of reach is not lost: it is sent when the broker is back. (Where the connection
/// broke after the sending and before the confirmation, it is then sent twice.)
///
/// With a ``Lock``, several beats may have the same entries: the one that holds it sends, and what it remembers lies with
/// the lock, so that the next one goes on exactly where it ended. A beat that loses the lock sends
/// what it has written down, then nothing more, and waits for the lock.
public final class Beat: Service {
    let client: Client
    let entries: [BeatEntry]
    let configuration: BeatConfiguration
    let lock: (any Lock)?
    let store: (any BeatStateStore)?
    let timers: any TimerSource
    let logger: Logger
    let signal = WakeSignal()
    private let machinery: (any TaskExecutor)?
    private let isLeading = Gate()

    /// Makes a beat of its parts.
    ///
    /// - Parameters:
    ///   - machinery: where it runs: an executor that handlers cannot block.
    /// - Throws: ``CeleriacError`` with code `configuration` for settings that cannot work or entries of one name.
    package init(
        client: Client,
        entries: [BeatEntry],
        configuration: BeatConfiguration,
        lock: (any Lock)?,
        store: (any BeatStateStore)?,
        timers: any TimerSource,
        machinery: (any TaskExecutor)?,
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
        self.machinery = machinery
        self.logger = logger
    }

    /// Sends tasks until a graceful shutdown, ``stop()`` or cancellation.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for a state file that cannot be read.
    public func run() async throws {
        try await withTaskExecutorPreference(machinery) {
            try await withTaskCancellationOrGracefulShutdownHandler {
                try await BeatSession(beat: self).run { self.isLeading.open() }
            } onCancelOrGracefulShutdown: {
                self.stop()
            }
        }
    }

    /// Begins a stop; ``run()`` returns when what it sends now is sent.
    public func stop() { signal.stop() }

    /// Returns once the beat sends: at once unless somebody else holds the lock.
    public func leading() async { await isLeading.wait() }
}
