import ArgumentParser
import Celeriac
import CeleriacCore
import Foundation

/// The verb `worker` of a program: serves its tasks.
struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Serve the tasks of this program, as celery worker does.",
        discussion: """
            A flag goes before a variable CELERY_<SETTING>, which goes before the file that --config names.

            SIGTERM and SIGINT end the worker when the tasks that run have ended (warm shutdown), which may take 25 s \
            (--stop-timeout). A second SIGINT, or SIGQUIT, cancels them (cold shutdown), and another ends the process. \
            With worker_soft_shutdown_timeout a cold shutdown gives them so many seconds before it cancels them, or until \
            the next signal. With REMAP_SIGTERM=SIGQUIT in the environment SIGTERM does what SIGQUIT does. \
            SIGHUP starts a worker without a terminal again. With --health the worker answers GET /live with 200 while it \
            runs, and GET /ready while it takes tasks, else with 503 and the reasons; \
            with --metrics GET /metrics has its metrics. Exit status 0 is a warm shutdown after which everything has \
            ended; 1 a cold one, or a warm one whose time was over before: it has cancelled tasks, or left a server that \
            does not answer. 2 means that the worker could not start or continue, 64 that the command line or a setting \
            is wrong, 73 that another process holds the pidfile.
            """)

    @OptionGroup var settings: SettingsOptions
    @OptionGroup(title: "Worker Options") var options: WorkerOptions
    @OptionGroup(title: "Pool Options") var pool: PoolOptions
    @OptionGroup(title: "Queue Options") var queues: QueueOptions
    @OptionGroup(title: "Features") var features: FeatureOptions
    @OptionGroup(title: "Daemonization Options") var daemon: DaemonOptions

    func run() async throws {
        guard let program = ProgramContext.current.program else {
            throw ValidationError("This command has no tasks: a program with tasks is a CeleryProgram.")
        }
        let launch = ProgramLaunch.take()
        if !launch.isAgain { try daemon.enter() }
        let plan = try WorkerPlan(self, environment: CommandEnvironment().all, host: NodeFormat.hostName)
        guard plan.settings.broker != nil else {
            throw ValidationError(
                "Specify the broker: --broker URL, broker_url of a --config file, or CELERY_BROKER_URL in the environment."
            )
        }
        let ending = try await daemon.run(launch, log: plan.logFile, pidFile: plan.pidFile) { pidFile in
            try await WorkerRun(plan: plan, program: program, pidFile: pidFile).run()
        }
        // Another process is the worker.
        guard let ending else { return }
        guard let status = ending.status else {
            CommandEnvironment.say("Error: \(launch.again())")
            throw ExitCode(2)
        }
        if status != 0 { throw ExitCode(status) }
    }
}
