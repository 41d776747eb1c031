import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacWire
import CeleryDialect
import Foundation
import Logging

/// What a beat is started with, decided from its flags and settings before anything happens.
struct BeatPlan {
    /// The node name, under which it answers.
    let nodeName: String
    /// The application's settings, by flags, environment and file.
    let settings: CelerySettings
    /// What it sends, and how it works.
    let schedule: BeatFile
    /// The file that stores the last runs; nil for none.
    let lastRuns: String?
    /// From which level on lines are logged.
    let level: Logger.Level
    /// How lines are written.
    let logFormat: LogFormat
    /// The file of the log; nil for standard error.
    let logFile: String?
    /// The file with the process's number.
    let pidFile: String?

    /// Decides. Relative paths count from the folder of the process.
    ///
    /// - Parameters:
    ///   - command: the command line.
    ///   - environment: the environment's variables.
    ///   - host: this machine's host name.
    /// - Throws: `ValidationError` for what cannot be; `CeleriacError` with code `configuration` for a schedule that cannot
    ///   be used.
    init(_ command: BeatCommand, environment: [String: String], host: String) throws {
        _ = try command.connection.brokerURL()
        let settings = try command.connection.settings.read(environment: environment)
        self.settings = settings
        nodeName = try NodeFormat.nodeName(command.node.hostname, host: host, usual: "celerybeat")
        let format = NodeFormat(node: nodeName)
        logFile = try command.daemon.logfile.map { try format.expand($0, of: "--logfile") }
        pidFile = try command.daemon.pidfile.map { try format.expand($0, of: "--pidfile") }
        level = command.connection.verbose ? .debug : (command.node.loglevel ?? .info).level
        logFormat = command.node.logFormat

        let own = try command.schedule.flatMap { try Self.schedule(in: $0) }
        if let path = command.schedule, own == nil {
            guard command.state == nil else {
                throw ValidationError(
                    "--schedule \(path) is no schedule in YAML, and therefore the file of the last runs, which --state names too: specify one of both."
                )
            }
            lastRuns = path
        } else {
            lastRuns = command.state
        }
        var schedule = try own ?? Self.schedule(of: settings, isOwnScheduler: command.scheduler != nil)
        if let seconds = command.maxInterval, seconds > 0 { schedule.configuration.maximumPause = .seconds(seconds) }
        self.schedule = schedule
    }

    /// The schedule that the settings have.
    private static func schedule(of settings: CelerySettings, isOwnScheduler: Bool) throws -> BeatFile {
        if !isOwnScheduler { try settings.checkScheduler() }
        guard let schedule = settings.schedule else {
            throw ValidationError(
                "Specify the schedule: beat_schedule of a --config file, or --schedule FILE with a file in YAML.")
        }
        return schedule
    }

    /// The schedule in the file that `--schedule` names; nil for a file that stores the last runs, or is to.
    ///
    /// - Throws: `CeleriacError` with code `configuration` for a schedule that cannot be used.
    private static func schedule(in path: String) throws -> BeatFile? {
        let isYAML = path.hasSuffix(".yaml") || path.hasSuffix(".yml")
        guard let content = FileManager.default.contents(atPath: path) else {
            // To take a mistyped schedule for the last runs would be to send something else, or nothing.
            guard !isYAML else {
                throw CeleriacError(.configuration, "the schedule \(path) does not exist or cannot be read")
            }
            return nil
        }
        guard isYAML || isSchedule([UInt8](content)) else { return nil }
        return try BeatFile([UInt8](content))
    }

    /// Whether a file has keys as a schedule has them. Those of last runs are entries of a version, and JSON is YAML; Python's
    /// are no text at all.
    private static func isSchedule(_ content: [UInt8]) -> Bool {
        guard let keys = (try? WireYAML.decode(content))?.objectValue else { return false }
        return !keys.isEmpty && keys["entries"] == nil
    }
}

extension CelerySettings {
    /// Refuses a beat whose schedule is kept where nobody here looks: what stands there would not be sent.
    func checkScheduler() throws {
        guard let foreignScheduler else { return }
        throw ValidationError(
            "This program does not know where the beat_scheduler \(foreignScheduler) keeps its schedule; put the entries into beat_schedule of a --config file, and beat_scheduler: celery.beat:PersistentScheduler."
        )
    }

    /// Refuses a `--scheduler` for the same reason.
    static func check(scheduler: String?) throws {
        guard let scheduler, !isOwnScheduler(scheduler) else { return }
        throw ValidationError(
            "--scheduler \(scheduler): this program does not know where that keeps its schedule; put the entries into beat_schedule of a --config file."
        )
    }
}
