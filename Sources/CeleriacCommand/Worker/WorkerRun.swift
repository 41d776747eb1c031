import Celeriac
import CeleriacCore
import CeleriacWire
import Foundation
import Glibc
import Logging
import Metrics
import NIOConcurrencyHelpers
import UnixSignals

/// How a worker ended.
enum WorkerEnding: Sendable {
    /// The tasks that ran have ended.
    case warm
    /// The tasks that ran were to end, and the time for that was over before everything had ended.
    case overdue
    /// The tasks that ran were cancelled.
    case cold
    /// The tasks that ran have ended, and the worker is to start again.
    case restart

    /// The exit status of a worker that has ended so; nil for one that starts again.
    var status: Int32? {
        switch self {
        case .warm: 0
        case .overdue, .cold: 1
        case .restart: nil
        }
    }

    /// This ending, once it is known whether the stop has given up on tasks or servers. No ending but a warm one promises
    /// that everything has ended.
    func considering(hasGivenUp: Bool) -> WorkerEnding {
        guard case .warm = self, hasGivenUp else { return self }
        return .overdue
    }
}

/// A worker from when its plan is made until its application is closed: the banner, signals, and what is told meanwhile.
struct WorkerRun {
    let plan: WorkerPlan
    let program: any CeleryProgram
    let pidFile: PidFile?

    /// Works until a signal or remote control ends the worker.
    ///
    /// - Throws: what keeps the worker from beginning or going on; `ExitCode` 64 for settings that cannot be followed, after
    ///   the reason was told.
    func run() async throws -> WorkerEnding {
        let level = plan.level.level
        var logger = try program.logger ?? plan.logFormat.logger(to: LogTarget(path: plan.logFile), from: level)
        logger.logLevel = level
        for notice in plan.notices { logger.info("\(notice)") }
        var plan = plan
        try await program.prepare(&plan.worker)
        let result: Result<WorkerEnding, any Error>
        do { result = .success(try await run(plan, logger)) } catch { result = .failure(error) }
        await program.finish()
        return try result.get()
    }

    private func run(_ plan: WorkerPlan, _ logger: Logger) async throws -> WorkerEnding {
        var plan = plan
        if let path = plan.stateFile {
            let state = RevokedState(path: path, logger: logger)
            plan.worker.initialRevocations += try await state.load()
            plan.worker.parts.append(state)
        }
        let running = RunningTasks()
        plan.worker.parts.append(running)
        var settings = plan.settings
        if plan.showsMetrics {
            // Not for the whole process: that is the program's to decide, which by now has done so.
            let metrics = PrometheusMetrics()
            settings.configuration.metrics = metrics.joining(MetricsSystem.factory)
            plan.worker.metricsPage = metrics
        }
        let app = try following {
            try CeleryApp(settings: settings, transports: program.transports, logger: logger)
        }
        return try await closing(app.close) {
            let worker = app.worker(plan.worker, control: plan.control) { program.tasks }
            let beat = try plan.beat.map { beat in
                try app.beat(
                    beat.schedule?.entries ?? [], configuration: beat.schedule?.configuration ?? BeatConfiguration(),
                    zone: beat.schedule?.zone ?? .utc, state: app.beatState(inFile: beat.lastRuns))
            }
            if plan.beat != nil, plan.beat?.schedule?.entries.isEmpty ?? true {
                logger.warning("--beat has nothing to send: the settings have no beat_schedule")
            }
            if !plan.isQuiet { CommandEnvironment.tell(banner(plan, worker, app)) }
            return try await Session(
                plan: plan, app: app, worker: worker, beat: beat, running: running, logger: logger, pidFile: pidFile
            ).run()
        }
    }

    private func banner(_ plan: WorkerPlan, _ worker: TaskWorker, _ app: CeleryApp) -> String {
        let isDebugging = plan.level.level <= .debug
        let names = worker.taskNames
        let shown = names.filter { isDebugging || !$0.hasPrefix("celery.") }
        return WorkerBanner(
            plan: plan, program: ProgramContext.current.name, broker: app.client.broker.name,
            results: worker.resultStoreName, tasks: shown, builtInCount: names.count - shown.count
        ).text(at: Date())
    }
}

/// The worker and its beat while they run, and the signals that end them.
private struct Session {
    let plan: WorkerPlan
    let app: CeleryApp
    let worker: TaskWorker
    let beat: Beat?
    let running: RunningTasks
    let logger: Logger
    let pidFile: PidFile?
    /// Opens when the worker is to stop.
    private let stopping = Gate()
    /// Opens when a soft shutdown begins.
    private let isSoft = Gate()
    /// Opens when the tasks that run are to be cancelled.
    private let cancelling = Gate()

    func run() async throws -> WorkerEnding {
        // Before anything can take long, so that no signal ends the process unheard.
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint, .sigquit, .sighup)
        let requests = ShutdownRequests(
            isTerminal: CommandEnvironment.outputIsTerminal,
            softness: ShutdownRequests.Softness(
                timeout: plan.worker.softShutdownTimeout, isForIdle: plan.worker.softShutdownIsForIdle),
            remapsTermination: CommandEnvironment()["REMAP_SIGTERM"] == "SIGQUIT")
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await signal in signals { obey(requests.next(signal, isBusy: running.count > 0)) }
            }
            group.addTask { await endSoftShutdown(requests) }
            group.addTask { await tell() }
            defer { group.cancelAll() }
            do {
                try await serveUnlessCancelled()
            } catch is CancellationError {
                // A cold shutdown before the worker was ready.
            }
            // Its time, or the next signal, opens the gate.
            if requests.lingers { await cancelling.wait() }
            obey(requests.softShutdownIsOver())
            return requests.ending.considering(hasGivenUp: worker.hasGivenUp || beat?.hasGivenUp == true)
        }
    }

    /// Works until that ends, which a cold shutdown hastens.
    private func serveUnlessCancelled() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await serve() }
            group.addTask { try? await cancelling.waitUnlessCancelled() }
            try await group.next()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Empties the queues if that is wanted, and works.
    private func serve() async throws {
        // A port that is taken ends the worker before it deletes anything.
        try await worker.answeringHealthChecks {
            if plan.purges { try await purge() }
            try await work()
        }
    }

    /// Works until one of both ends, and then ends the other.
    private func work() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            if let beat { group.addTask { try await beat.run() } }
            let first = await group.nextResult()
            stop()
            try await group.waitForAll()
            try first?.get()
        }
    }

    private func stop() {
        stopping.open()
        worker.stop()
        beat?.stop()
    }

    private func obey(_ action: ShutdownRequests.Action) {
        // A worker whose reader has gone away still has tasks to end.
        for line in action.lines { CommandEnvironment.tell(line + "\n") }
        switch action.kind {
        case .nothing: break
        case .stop: stop()
        case .soften:
            let seconds = CeleryLine.seconds(plan.worker.softShutdownTimeout / .seconds(1))
            logger.warning("Initiating Soft Shutdown, terminating in \(seconds) seconds")
            stop()
            isSoft.open()
        case .cancel:
            stop()
            cancelling.open()
        case .exit:
            pidFile?.release()
            _exit(1)
        }
    }

    /// Waits for a soft shutdown and as long as it may take, and then cancels what still runs.
    private func endSoftShutdown(_ requests: ShutdownRequests) async {
        guard (try? await isSoft.waitUnlessCancelled()) != nil,
            (try? await Task.sleep(for: plan.worker.softShutdownTimeout)) != nil
        else { return }
        obey(requests.softShutdownIsOver())
    }

    // MARK: What is told

    /// Tells once the worker is ready, and before that if it takes long.
    private func tell() async {
        await withTaskGroup { group in
            group.addTask {
                guard (try? await worker.ready()) != nil else { return }
                logger.info("\(plan.nodeName) ready.")
            }
            group.addTask {
                guard (try? await Task.sleep(for: .seconds(4))) != nil else { return }
                logger.error(
                    """
                    \(plan.nodeName) cannot reach \(app.client.broker.name) yet: check that the broker runs and that its \
                    address is right. Trying again until it answers...
                    """)
            }
            await group.next()
            group.cancelAll()
        }
    }

    // MARK: Purging

    /// Deletes the messages that wait in the queues, as soon as the broker can be reached.
    private func purge() async throws {
        var count = 0
        var backoff = Backoff()
        var queues = plan.worker.queues.map(\.name)[...]
        while let queue = queues.first, !stopping.isOpen {
            do {
                count += try await app.client.broker.purge(queue)
                queues.removeFirst()
            } catch let error as CeleriacError where error.code == .unavailable {
                let pause = backoff.next()
                logger.warning(
                    "purge: the broker is out of reach, trying again",
                    metadata: [
                        "broker": "\(app.client.broker.name)", "error": "\(error)", "seconds": "\(pause.seconds)",
                    ])
                await stopping.wait(atMost: pause, timers: app.client.timers)
            }
        }
        guard count > 0 else { return }
        CommandEnvironment.tell("purge: Erased \(count.counting("message")) from the queue.\n")
    }
}
