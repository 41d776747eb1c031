import ArgumentParser
import Celeriac
import CeleriacCore

/// Celery's "Worker Options".
struct WorkerOptions: ParsableArguments {
    @OptionGroup var node: NodeOptions

    @Flag(help: "Log the arguments of tasks, and their results.")
    var logArguments = false

    @Option(
        name: [.customShort("S", allowingJoined: true), .long],
        help: "A file in which revoked tasks are remembered across restarts. Default: worker_state_db.")
    var statedb: String?

    @Option(help: "How many messages to hold for each handler. Default: worker_prefetch_multiplier, or 4.")
    var prefetchMultiplier: Int?

    @Flag(help: "Take a message only when a handler is free for it.")
    var disablePrefetch = false

    @Option(
        name: [.customShort("O", allowingJoined: true), .long],
        help: ArgumentHelp("fair or default: a handler gets a task only when it is free, whichever is chosen."))
    var optimization: Optimization?

    @Flag(name: .shortAndLong, help: "Print no banner.")
    var quiet = false

    @Option(help: "How many seconds a warm shutdown may take; four fifths of it are for the tasks that run.")
    var stopTimeout: Double?

    @OptionGroup var checks: HealthOptions

    func validate() throws {
        if let prefetchMultiplier, !(0...65535 ~= prefetchMultiplier) {
            throw ValidationError("--prefetch-multiplier must be a number from 0 to 65535.")
        }
        if let stopTimeout, !(0...86_400 ~= stopTimeout) {
            throw ValidationError("--stop-timeout must be a number of seconds from 0 to 86400.")
        }
    }

    /// Celery's optimization profiles.
    enum Optimization: String, ExpressibleByArgument { case fair, `default` }
}

/// Celery's "Pool Options".
struct PoolOptions: ParsableArguments {
    @Option(
        name: [.customShort("c", allowingJoined: true), .long],
        help: "How many handlers run at once, or auto for the number of processors. Default: worker_concurrency, or 8.")
    var concurrency: String?

    @Option(
        name: [.customShort("P", allowingJoined: true), .long],
        help: "solo runs one handler at a time. Other pools are taken: handlers run in this process.")
    var pool: Pool?

    @Flag(
        name: [.customShort("E"), .customLong("task-events"), .customLong("events")],
        help: "Send events about tasks, for monitors.")
    var taskEvents = false

    @Option(help: "After how many seconds a task fails that says no other limit.")
    var timeLimit: Double?

    @Option(help: "After how many seconds the handler of such a task is cancelled.")
    var softTimeLimit: Double?

    @Option(help: ArgumentHelp("Taken: there are no child processes.", visibility: .hidden))
    var maxTasksPerChild: Int?

    @Option(help: ArgumentHelp("Taken: there are no child processes.", visibility: .hidden))
    var maxMemoryPerChild: Int?

    @Option(help: ArgumentHelp("Taken: there are no child processes.", visibility: .hidden))
    var poolStartMethod: String?

    /// Celery's pools.
    enum Pool: String, ExpressibleByArgument { case prefork, eventlet, gevent, solo, processes, threads, custom }

    func validate() throws {
        for (name, limit) in [("time-limit", timeLimit), ("soft-time-limit", softTimeLimit)] {
            // NaN is in no range.
            if let limit, !(0...3.1e9 ~= limit) {
                throw ValidationError("--\(name) must be a number of seconds from 0, where 0 is no limit.")
            }
        }
        if let concurrency, concurrency.lowercased() != "auto", !(Int(concurrency).map { 0...65535 ~= $0 } ?? false) {
            throw ValidationError("--concurrency must be a number from 1 to 65535, or auto.")
        }
    }
}

/// Celery's "Queue Options".
struct QueueOptions: ParsableArguments {
    @Option(
        name: [.customShort("Q", allowingJoined: true), .long],
        help: "The queues to serve, separated by commas. Default: task_queues, or task_default_queue.")
    var queues: String?

    @Option(
        name: [.customShort("X", allowingJoined: true), .long],
        help: "Queues of these not to serve, separated by commas.")
    var excludeQueues: String?

    @Flag(
        name: [.long, .customLong("discard")], help: "Delete all messages that wait in these queues, and begin then.")
    var purge = false

    @Option(
        name: [.customShort("I", allowingJoined: true), .long],
        help: ArgumentHelp("Taken: tasks are compiled in.", visibility: .hidden))
    var include: String?
}

/// Celery's "Features" and "Embedded Beat Options".
struct FeatureOptions: ParsableArguments {
    @Flag(help: ArgumentHelp("Taken: this worker does not gossip.", visibility: .hidden))
    var withoutGossip = false

    @Flag(help: "Do not ask other workers for revoked tasks when it starts.")
    var withoutMingle = false

    @Flag(help: "Send monitors no heartbeats, and do not announce the worker.")
    var withoutHeartbeat = false

    @Option(help: "How many seconds pass between heartbeats. Default: 2.")
    var heartbeatInterval: Int?

    @Option(
        help: ArgumentHelp(
            "Bounds of how many handlers run at once: the worker grows when tasks wait, and shrinks after 30 quiet seconds.",
            valueName: "max,min"))
    var autoscale: Autoscale?

    @Flag(name: [.customShort("B"), .long], help: "Send the tasks of beat_schedule as well, as celery beat does.")
    var beat = false

    @Option(
        name: [.customShort("s", allowingJoined: true), .customLong("schedule"), .customLong("schedule-filename")],
        help: "With --beat: the file that remembers the last runs. Default: celerybeat-schedule.json.")
    var lastRuns: String?

    @Option(help: ArgumentHelp("Taken if it is one of Celery's own.", visibility: .hidden))
    var scheduler: String?

    func validate() throws {
        if let heartbeatInterval, !(0...86_400 ~= heartbeatInterval) {
            throw ValidationError("--heartbeat-interval must be a number of seconds from 0 to 86400.")
        }
        try CelerySettings.check(scheduler: scheduler)
    }
}

/// The bounds of `--autoscale`: `10,3`, in either order, or one number.
struct Autoscale: ExpressibleByArgument, Hashable {
    let range: ClosedRange<Int>

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int($0.drop { $0 == " " }) }
        guard 1...2 ~= parts.count, numbers.count == parts.count, let largest = numbers.max(), 1...65535 ~= largest,
            let least = numbers.min(), least >= 0
        else { return nil }
        // Without a slot a worker would take no task that it could grow for.
        range = (numbers.count == 1 ? 1 : max(1, least))...largest
    }
}
