public import CeleriacCore
import CeleriacWire

/// A schedule as a YAML file: the entries under Celery's names, and how the beat works.
///
/// ```yaml
/// timezone: Europe/Berlin         # of crontabs and rounded intervals; UTC unless given
/// missed_runs: once               # or skip, all
/// beat_cron_starting_deadline: 600
/// beat_max_loop_interval: 300
/// beat_schedule:
///   every-30-seconds:
///     task: tasks.add
///     schedule: 30                # seconds; or {every: 30, relative: true}
///     args: [16, 16]
///   monday-morning:
///     task: tasks.report
///     schedule: 30 7 * * mon      # or {crontab: {minute: 30, hour: 7, day_of_week: mon}}
///     kwargs: {kind: weekly}
///     options: {queue: reports, expires: 3600, priority: 3}
///   lamps:
///     task: tasks.lamps
///     schedule: {solar: sunset, latitude: 52.5, longitude: 13.4}
///   nightly:
///     schedule: 0 2 * * *
///     chain:                      # or group, or chord with a body; nested as need be
///       - task: tasks.collect
///       - group: [{task: tasks.tidy, immutable: true}, {task: tasks.count, options: {queue: slow}}]
///       - task: tasks.report
/// ```
///
/// Options are `queue`, `priority`, `countdown`, `expires` (seconds after each sending), `headers`, `ignore_result`,
/// `serializer`, `compression`, `time_limit`, `soft_time_limit`. A word that is not known is an error.
public struct BeatFile: Sendable {
    /// The entries, in the file's order.
    public var entries: [BeatEntry]
    /// How the beat works.
    public var configuration: BeatConfiguration
    /// The zone of crontabs that name none.
    public var zone: Zone

    /// Reads a file's content, UTF-8.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration`, whose message says where.
    public init(_ content: [UInt8]) throws(CeleriacError) {
        let value: WireValue
        do {
            value = try WireYAML.decode(content)
        } catch {
            throw CeleriacError(.configuration, "the schedule is no YAML", cause: error)
        }
        var file = SettingsSection(value, "the schedule")
        zone = try file.text("timezone").map { name throws(CeleriacError) in try Zone(name) } ?? .utc
        var configuration = BeatConfiguration()
        if let missed = try file.text("missed_runs") {
            guard let known = MissedRuns(rawValue: missed) else {
                throw CeleriacError(.configuration, "missed_runs is '\(missed)': use once, skip or all")
            }
            configuration.missedRuns = known
        }
        configuration.startingDeadline = try file.duration("beat_cron_starting_deadline")
        if let pause = try file.duration("beat_max_loop_interval") { configuration.maximumPause = pause }
        self.configuration = configuration
        entries = []
        for (name, entry) in try file.object("beat_schedule") ?? [:] {
            entries.append(try BeatFileEntry(name: name, zone: zone).read(entry))
        }
        try file.finish()
        try configuration.validate()
    }
}
