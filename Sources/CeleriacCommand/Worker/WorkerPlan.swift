import ArgumentParser
import Celeriac
import CeleriacCore
import CeleryDialect
import Logging

/// What a worker is started with, decided from its flags and settings before anything happens.
struct WorkerPlan {
    /// The node name.
    let nodeName: String
    /// The application's settings, as they have become by flags, environment and file.
    let settings: CelerySettings
    /// The worker's configuration.
    var worker: WorkerConfiguration
    /// Remote control and events.
    let control: CeleryControlConfiguration
    /// From which level on lines are logged.
    let level: LogLevel
    /// How lines are written.
    let logFormat: LogFormat
    /// The file of the log; nil for standard error.
    let logFile: String?
    /// The file with the process's number.
    let pidFile: String?
    /// The file of revoked tasks.
    let stateFile: String?
    /// The schedule, and the file that remembers the last runs; nil without `--beat`.
    let beat: (schedule: BeatFile?, lastRuns: String)?
    /// Whether the queues are emptied first.
    let purges: Bool
    /// Whether its metrics can be read where health checks are answered.
    let showsMetrics: Bool
    /// Whether the banner is left out.
    let isQuiet: Bool
    /// What flags say that has no effect, a sentence each.
    let notices: [String]

    /// Decides.
    ///
    /// - Parameters:
    ///   - command: the command line.
    ///   - environment: the environment's variables.
    ///   - host: this machine's host name.
    /// - Throws: `ValidationError` for what cannot be.
    init(_ command: WorkerCommand, environment: [String: String], host: String) throws {
        let settings = try command.settings.read(Self.layers(of: command), environment: environment)
        let (options, pool, features) = (command.options, command.pool, command.features)
        nodeName = try NodeFormat.nodeName(options.node.hostname ?? settings.worker.nodeName, host: host)
        let format = NodeFormat(node: nodeName)
        logFile = try command.daemon.logfile.map { try format.expand($0, of: "--logfile") }
        pidFile = try command.daemon.pidfile.map { try format.expand($0, of: "--pidfile") }
        stateFile = try settings.worker.stateFile.map { try format.expand($0, of: "--statedb") }

        var worker = settings.worker
        worker.nodeName = nodeName
        worker.stateFile = stateFile
        worker.queues = try Self.queues(of: command.queues, among: worker.queues)
        let isSolo = (pool.pool?.rawValue ?? settings.pool) == PoolOptions.Pool.solo.rawValue
        if isSolo { worker.concurrency = 1 }
        if let autoscale = features.autoscale {
            guard !isSolo else { throw ValidationError("--autoscale cannot grow the pool solo, which has one place.") }
            worker.autoscale = autoscale.range
        }
        // Handlers are cancelled when four fifths of a stop are over, and a soft shutdown promises them its time.
        worker.stopTimeout = max(worker.stopTimeout, worker.softShutdownTimeout * 5 / 4)
        if let seconds = options.stopTimeout { worker.stopTimeout = .seconds(seconds) }
        if options.logArguments { worker.logsArguments = true }
        if let endpoint = options.checks.endpoint { worker.healthEndpoint = endpoint }
        self.worker = worker

        var control = settings.configuration.control
        if let seconds = features.heartbeatInterval, seconds > 0 { control.heartbeatInterval = .seconds(seconds) }
        if features.withoutHeartbeat { control.heartbeatInterval = nil }
        if features.withoutMingle { control.mingles = false }
        self.control = control

        if features.beat, features.scheduler == nil { try settings.checkScheduler() }
        beat =
            features.beat
            ? (schedule: settings.schedule, lastRuns: features.lastRuns ?? "celerybeat-schedule.json") : nil
        self.settings = settings
        level = options.node.loglevel ?? .warning
        logFormat = options.node.logFormat
        purges = command.queues.purge
        showsMetrics = options.checks.metrics
        isQuiet = options.quiet
        notices = Self.notices(of: command)
    }

    /// What flags say that settings can say, too.
    private static func layers(of command: WorkerCommand) -> [SettingsLayer] {
        let (options, pool) = (command.options, command.pool)
        var layers: [SettingsLayer] = []
        func add(_ flag: String, _ setting: String, _ value: WireValue) {
            layers.append(SettingsLayer(place: flag, [setting: value]))
        }
        // As in Celery, 0 leaves these two to the settings.
        if let number = pool.concurrency, Int(number) != 0 {
            add("--concurrency", "worker_concurrency", .string(number))
        }
        if let number = options.prefetchMultiplier, number != 0 {
            add("--prefetch-multiplier", "worker_prefetch_multiplier", .int(Int64(number)))
        }
        if options.disablePrefetch { add("--disable-prefetch", "worker_disable_prefetch", true) }
        if let path = options.statedb { add("--statedb", "worker_state_db", .string(path)) }
        if pool.taskEvents { add("--task-events", "worker_send_task_events", true) }
        if let limit = pool.timeLimit { add("--time-limit", "task_time_limit", .double(limit)) }
        if let limit = pool.softTimeLimit { add("--soft-time-limit", "task_soft_time_limit", .double(limit)) }
        return layers
    }

    /// The queues to serve: those that are named, else those of the settings, without those that are excluded.
    private static func queues(of options: QueueOptions, among known: [TaskQueue]) throws -> [TaskQueue] {
        func names(_ text: String?) -> [String]? {
            text?.split(separator: ",").map { String($0.drop { $0 == " " }) }.filter { !$0.isEmpty }
        }
        var queues = known
        if let wanted = names(options.queues) {
            queues = []
            for name in wanted where !queues.contains(where: { $0.name == name }) {
                queues.append(known.first { $0.name == name || $0.alias == name } ?? TaskQueue(name))
            }
        }
        let excluded = names(options.excludeQueues) ?? []
        queues.removeAll { excluded.contains($0.name) || $0.alias.map(excluded.contains) == true }
        guard !queues.isEmpty else {
            throw ValidationError("No queue is left to serve: --queues and --exclude-queues leave none.")
        }
        return queues
    }

    private static func notices(of command: WorkerCommand) -> [String] {
        let (options, pool, features) = (command.options, command.pool, command.features)
        let children = "handlers run in this process, which has no children"
        let said: [(String, Bool, String)] = [
            ("--app", command.settings.app != nil, "the tasks of this program are compiled in"),
            ("--include", command.queues.include != nil, "the tasks of this program are compiled in"),
            ("--executable", command.daemon.executable != nil, "there is no Python"),
            ("--optimization", options.optimization != nil, "a handler gets a task only when it is free, in any case"),
            ("--pool", pool.pool.map { $0 != .solo } ?? false, children),
            ("--max-tasks-per-child", pool.maxTasksPerChild != nil, children),
            ("--max-memory-per-child", pool.maxMemoryPerChild != nil, children),
            ("--pool-start-method", pool.poolStartMethod != nil, children),
            ("--without-gossip", features.withoutGossip, "this worker does not gossip"),
        ]
        return said.filter(\.1).map { "\($0.0) has no effect: \($0.2)" }
    }
}
