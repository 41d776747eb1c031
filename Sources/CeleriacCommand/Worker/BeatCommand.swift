import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacQueues
import CeleryDialect
import Foundation
import Logging
import Metrics
import ServiceLifecycle
import UnixSignals

/// `celeriac beat`: sends tasks on a schedule.
struct BeatCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "beat",
        abstract: "Send tasks on a schedule, as celery beat does.",
        discussion: """
            The schedule is a YAML file with entries under Celery's names, or stands in the file that --config names:

              timezone: Europe/Berlin
              missed_runs: once              # or skip, all
              beat_schedule:
                every-30-seconds: {task: tasks.add, schedule: 30, args: [16, 16]}
                monday-morning: {task: tasks.report, schedule: 30 7 * * mon, options: {queue: reports, expires: 3600}}
                lamps: {task: tasks.lamps, schedule: {solar: sunset, latitude: 52.5, longitude: 13.4}}

            With --state, the last runs survive a restart. With --lock, several of these commands may share one \
            schedule: one of them sends, and another takes over when it ends or vanishes. With --enable-remote-control it \
            answers celery inspect ping -d celerybeat@HOST, unless it has stood still for too long. With --health GET \
            /live and GET /ready answer, and GET /metrics with --metrics. SIGTERM and SIGINT end it. Exit \
            status 1 means that it has left a server that did not answer within ten seconds of that, 2 that it could not \
            start or continue, 64 that the command line, a setting or the schedule is wrong.
            """)

    @OptionGroup var connection: ConnectionOptions

    @Option(help: "The schedule, a YAML file. Default: beat_schedule of the settings.")
    var schedule: String?

    @Option(help: "The file that stores the last runs. It is created if it does not exist.")
    var state: String?

    @Option(help: "The URL of the Redis server that holds the lock, for several beats: redis://, rediss://.")
    var lock: String?

    @Option(help: "The lock's name on its server.")
    var lockKey = "celeriac.beat"

    @Option(help: "How many seconds pass before another beat takes over from one that has vanished.")
    var lockLease: Double = 30

    @Flag(
        inversion: .prefixedNo,
        help: "Answer Celery's ping, so that probes find the beat. Default: beat_enable_remote_control.")
    var enableRemoteControl: Bool?

    @Option(
        name: .shortAndLong,
        help: ArgumentHelp("The name under which it answers: celerybeat@%h unless given.", valueName: "name"))
    var hostname: String?

    @OptionGroup var checks: HealthOptions

    func validate() throws {
        _ = try connection.brokerURL()
        _ = try nodeName()
        guard 0.1...86_400 ~= lockLease else {
            throw ValidationError("--lock-lease must be from 0.1 to 86400 seconds.")
        }
    }

    func run() async throws {
        let metrics = checks.makeMetrics()
        let app = try following {
            try connection.makeApp(logging: .info, metrics: metrics.map { $0.joining(MetricsSystem.factory) })
        }
        var lock: (any DistributedLock)?
        var failure: (any Error)?
        do {
            let file = try following { try readSchedule() }
            lock = try following {
                try self.lock.map { try app.lock($0, key: lockKey, lease: .seconds(lockLease)) }
            }
            let beat = try app.beat(
                file.entries, configuration: file.configuration, zone: file.zone, lock: lock,
                state: state.map { BeatStateFile(path: $0) })
            let settings = try connection.settings.read()
            let (name, maximumAge) = (try nodeName(), settings.beatMaximumTickAge)
            var services: [any Service] = [beat]
            if enableRemoteControl ?? settings.beatAnswersPing {
                // Services are stopped from the last to the first.
                services.insert(
                    BeatControlService(
                        control: app.remoteControl(of: beat, nodeName: name, maximumTickAge: maximumAge)), at: 0)
            }
            let group = ServiceGroup(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: Logger(label: "beat"))
            let health = app.health(of: beat, nodeName: name, maximumTickAge: maximumAge)
            try await health.answeringHealthChecks(
                at: checks.endpoint, metrics: metrics, logger: connection.logger(.info)
            ) { _ in
                try await group.run()
            }
            // The log says what is left.
            if beat.hasGivenUp { failure = ExitCode(1) }
        } catch let error where error is ExitCode || error is ValidationError {
            failure = error
        } catch {
            CommandEnvironment.say("Error: \(FailureText.of(error))")
            failure = ExitCode(2)
        }
        await lock?.close()
        await app.close()
        if let failure { throw failure }
    }

    private func nodeName() throws -> String {
        try NodeFormat.nodeName(hostname, host: NodeFormat.hostName, usual: "celerybeat")
    }

    private func readSchedule() throws -> BeatFile {
        guard let schedule else {
            let settings = try connection.settings.read()
            try settings.checkScheduler()
            guard let own = settings.schedule else {
                throw ValidationError("Specify the schedule: --schedule FILE, or beat_schedule of a --config file.")
            }
            return own
        }
        guard let content = FileManager.default.contents(atPath: schedule) else {
            throw ValidationError("The schedule \(schedule) does not exist or cannot be read.")
        }
        return try BeatFile([UInt8](content))
    }
}

/// What answers for a beat, beside it.
private struct BeatControlService: Service {
    /// Nil where the transport carries no remote control.
    let control: CeleryBeatControl?

    func run() async throws {
        let stopping = Gate()
        await withTaskCancellationOrGracefulShutdownHandler {
            if let control {
                await control.answer(until: stopping)
            } else {
                CommandEnvironment.say("Warning: this transport carries no remote control: the beat answers nobody.")
                await stopping.wait()
            }
        } onCancelOrGracefulShutdown: {
            stopping.open()
        }
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
}
