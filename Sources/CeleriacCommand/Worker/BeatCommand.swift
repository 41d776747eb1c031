import ArgumentParser
import Celeriac
import CeleriacCore
import CeleryDialect
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

            As in celery beat, --schedule is the file of the last runs unless that is such a YAML file; --state names the \
            former in any case. A flag goes before the settings.

            With --state, the last runs survive a restart. With --lock, several of these commands may share one \
            schedule: one of them sends, and another takes over when it ends or vanishes. With --enable-remote-control it \
            answers celery inspect ping -d celerybeat@HOST, unless it has stood still for too long. With --health GET \
            /live and GET /ready answer, and GET /metrics with --metrics. SIGTERM and SIGINT end it. Exit \
            status 1 means that it has left a server that did not answer within ten seconds of that, 2 that it could not \
            start or continue, 64 that the command line, a setting or the schedule is wrong.
            """)

    @OptionGroup var connection: ConnectionOptions

    @OptionGroup(title: "Beat Options") var node: NodeOptions

    @Option(
        name: [.customShort("s", allowingJoined: true), .long],
        help: """
            The file that stores the last runs, as --state; or the schedule, a YAML file, in place of beat_schedule of the \
            settings.
            """)
    var schedule: String?

    @Option(help: "The file that stores the last runs. It is created if it does not exist.")
    var state: String?

    @Option(
        name: [.customShort("S", allowingJoined: true), .long],
        help: ArgumentHelp("Taken if it is one of Celery's own.", visibility: .hidden))
    var scheduler: String?

    @Option(
        help: """
            After how many seconds at most it looks at the clock again, whatever is due. Default: beat_max_loop_interval, or \
            300.
            """)
    var maxInterval: Int?

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

    @OptionGroup var checks: HealthOptions
    @OptionGroup(title: "Daemonization Options") var daemon: DaemonOptions

    func validate() throws {
        try CelerySettings.check(scheduler: scheduler)
        if let maxInterval, !(0...86_400 ~= maxInterval) {
            throw ValidationError("--max-interval must be a number of seconds from 0 to 86400.")
        }
        guard 0.1...86_400 ~= lockLease else {
            throw ValidationError("--lock-lease must be from 0.1 to 86400 seconds.")
        }
    }

    func run() async throws {
        let launch = ProgramLaunch.take()
        if !launch.isAgain { try daemon.enter() }
        let plan = try following {
            try BeatPlan(self, environment: CommandEnvironment().all, host: NodeFormat.hostName)
        }
        _ = try await daemon.run(launch, log: plan.logFile, pidFile: plan.pidFile) { _ in try await send(plan) }
    }

    /// Sends what is due until a signal ends it.
    private func send(_ plan: BeatPlan) async throws {
        let logger = plan.logFormat.logger(to: try LogTarget(path: plan.logFile), from: plan.level)
        let metrics = checks.makeMetrics()
        let app = try following {
            try connection.makeApp(logger: logger, metrics: metrics.map { $0.joining(MetricsSystem.factory) })
        }
        try await closing(app.close) {
            let lock = try following {
                try self.lock.map { try app.lock($0, key: lockKey, lease: .seconds(lockLease)) }
            }
            try await closing({ if let lock { await lock.close() } }) {
                let beat = try app.beat(
                    plan.schedule.entries, configuration: plan.schedule.configuration, zone: plan.schedule.zone,
                    lock: lock, state: plan.lastRuns.map { app.beatState(inFile: $0) })
                let (name, maximumAge) = (plan.nodeName, plan.settings.beatMaximumTickAge)
                var services: [any Service] = [beat]
                if enableRemoteControl ?? plan.settings.beatAnswersPing {
                    // Services are stopped from the last to the first.
                    services.insert(
                        BeatControlService(
                            control: app.remoteControl(of: beat, nodeName: name, maximumTickAge: maximumAge)), at: 0)
                }
                let group = ServiceGroup(
                    services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
                let health = app.health(of: beat, nodeName: name, maximumTickAge: maximumAge)
                try await health.answeringHealthChecks(at: checks.endpoint, metrics: metrics, logger: logger) { _ in
                    try await group.run()
                }
                // The log says what is left.
                if beat.hasGivenUp { throw ExitCode(1) }
            }
        }
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
