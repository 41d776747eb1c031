public import CeleriacCore
import CeleriacQueues
public import CeleriacWire
package import CeleryDialect
import NIOCore

extension CeleryApp {
    /// Makes a beat of this application. Run it in a `ServiceGroup`, or call its `run()`.
    ///
    /// The beat sends tasks by a schedule, with the header that Python's beat adds (`celery_beat_task`). Where the
    /// application's result store does not delete expired results (`file://`), it also sends `celery.backend_cleanup`
    /// every night at four, unless an entry already has that name.
    ///
    /// - Parameters:
    ///   - entries: the tasks and their schedules.
    ///   - configuration: how the beat works.
    ///   - zone: the time zone of the nightly cleanup.
    ///   - lock: the lock that several beats of the same entries share, so that one of them sends at a time; see
    ///     ``lock(_:key:lease:)``. Nil for a single beat.
    ///   - state: where the beat keeps the last runs, see ``beatState(inFile:)``. Without it and without a lock, a beat
    ///     remembers nothing from one start to the next.
    /// - Returns: the beat, not yet running.
    /// - Throws: ``CeleriacError`` with code `configuration` for settings that cannot work or two entries of one name.
    public func beat(
        _ entries: [BeatEntry],
        configuration: BeatConfiguration = BeatConfiguration(),
        zone: CalendarZone = .utc,
        lock: (any DistributedLock)? = nil,
        state: (any BeatStateStore)? = nil
    ) throws -> Beat {
        var configuration = configuration
        configuration.headers["celery_beat_task"] = true
        let eventLoop = eventLoopGroup.next()
        return try Beat(
            client: client, entries: try entries + cleanup(beside: entries, in: zone), configuration: configuration,
            lock: lock, store: state, timers: timers(on: eventLoop),
            executor: EventLoopTaskExecutor(eventLoop), logger: logger)
    }

    /// Makes what answers Celery's `ping` for a beat.
    ///
    /// - Parameters:
    ///   - beat: the beat.
    ///   - nodeName: the name under which it answers.
    ///   - maximumTickAge: `beat_remote_control_max_tick_age`.
    /// - Returns: what answers; nil if the transport carries no remote control.
    package func remoteControl(of beat: Beat, nodeName: String, maximumTickAge: Duration?) -> CeleryBeatControl? {
        CeleryBeatControl(
            nodeName: nodeName, maximumAge: Self.maximumAge(of: beat, maximumTickAge),
            configuration: configuration.control, content: configuration.controlContent, broker: broker,
            logger: logger, age: { beat.timeSinceLook })
    }

    /// Makes what health checks ask about a beat.
    ///
    /// - Parameters:
    ///   - beat: the beat.
    ///   - nodeName: the name under which it answers.
    ///   - maximumTickAge: `beat_remote_control_max_tick_age`.
    /// - Returns: how it does.
    package func health(of beat: Beat, nodeName: String, maximumTickAge: Duration?) -> BeatHealth {
        BeatHealth(beat, nodeName: nodeName, maximumAge: Self.maximumAge(of: beat, maximumTickAge))
    }

    private static func maximumAge(of beat: Beat, _ setting: Duration?) -> Duration? {
        CeleryBeatControl.maximumAge(setting, maximumPause: beat.configuration.maximumPause)
    }

    /// Makes a lock on a Redis server for several beats to share. Close it after the beat has ended.
    ///
    /// - Parameters:
    ///   - url: a URL of Redis, as of the broker.
    ///   - key: the lock's key on that server.
    ///   - lease: how long a hold lasts unless the beat renews it; another beat takes over from one that has vanished
    ///     after this time.
    /// - Returns: the lock. It connects on first use.
    /// - Throws: ``CeleriacError`` with code `configuration` for a URL that cannot be used.
    public func lock(_ url: String, key: String = "celeriac.beat", lease: Duration = .seconds(30)) throws
        -> any DistributedLock
    {
        try CeleryTransportFactory(configuration: configuration, eventLoopGroup: eventLoopGroup, logger: logger)
            .lock(url: url, key: key, lease: lease)
    }

    /// Makes a store that keeps in a file when each entry of one beat ran last. The file need not exist yet; its folder
    /// must.
    public func beatState(inFile path: String) -> any BeatStateStore { BeatStateFile(path: path) }

    private func cleanup(beside entries: [BeatEntry], in zone: CalendarZone) throws -> [BeatEntry] {
        let name = "celery.backend_cleanup"
        guard let results, !results.expiresByItself, configuration.resultLifetime != nil,
            !entries.contains(where: { $0.name == name })
        else { return [] }
        return [
            BeatEntry(
                name, try Crontab(minute: 0, hour: 4, in: zone), Signature(name), expiresAfter: .seconds(12 * 3600))
        ]
    }
}
