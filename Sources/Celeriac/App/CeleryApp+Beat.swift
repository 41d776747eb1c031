public import CeleriacCore
public import CeleriacWire
import CeleryDialect
import NIOCore

extension CeleryApp {
    /// A beat of this application, which sends tasks by a schedule with the header that Python's beat adds
    /// (`celery_beat_task`); run it in a `ServiceGroup`, or call its `run()`.
    ///
    /// Where the application's result store does not delete what has expired (`file://`), the beat also sends
    /// `celery.backend_cleanup` every night at four, unless there is an entry of that name.
    ///
    /// - Parameters:
    ///   - entries: what is sent when.
    ///   - configuration: how the beat works.
    ///   - zone: the zone in which it is four at night.
    ///   - lock: what one beat at a time may hold, for several beats of the same entries; see
    ///     ``lock(_:key:lease:)``.
    ///   - state: where the last runs are kept, see ``beatState(inFile:)``. Without it and without a lock every start is
    ///     the first.
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
            lock: lock, store: state, timers: EventLoopTimerSource(eventLoop: eventLoop),
            executor: EventLoopTaskExecutor(eventLoop), logger: logger)
    }

    /// A lock on a Redis server, to be shared by several beats. Close it after use.
    ///
    /// - Parameters:
    ///   - url: `redis://` and its kin.
    ///   - key: the lock's name there.
    ///   - lease: after how long another beat takes over from one that has vanished.
    /// - Throws: ``CeleriacError`` with code `configuration` for a URL that cannot be used.
    public func lock(_ url: String, key: String = "celeriac.beat", lease: Duration = .seconds(30)) throws
        -> any DistributedLock
    {
        try CeleryTransportFactory(configuration: configuration, eventLoopGroup: eventLoopGroup, logger: logger)
            .lock(url: url, key: key, lease: lease)
    }

    /// A file in which one beat keeps when its entries ran last. It need not exist yet; its folder must.
    public func beatState(inFile path: String) -> any BeatStateStore { BeatStateFile(path: path) }

    private func cleanup(beside entries: [BeatEntry], in zone: CalendarZone) throws -> [BeatEntry] {
        let name = "celery.backend_cleanup"
        guard let results, !results.expiresByItself, configuration.resultExpiry != nil,
            !entries.contains(where: { $0.name == name })
        else { return [] }
        return [
            BeatEntry(
                name, try Crontab(minute: 0, hour: 4, in: zone), Signature(name), expiresAfter: .seconds(12 * 3600))
        ]
    }
}
