import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleryDialect
import Foundation
import Testing

@testable import CeleriacCommand

/// What becomes of a command line, the environment and a settings file.
@Suite("Worker's command line") struct WorkerPlanTests {
    private func plan(_ arguments: String..., environment: [String: String] = [:]) throws -> WorkerPlan {
        try plan(arguments, environment: environment)
    }

    private func plan(_ arguments: [String], environment: [String: String] = [:]) throws -> WorkerPlan {
        try WorkerPlan(try WorkerCommand.parse(arguments), environment: environment, host: "box.example.org")
    }

    @Test("without flags is Celery's, as far as it can be")
    func defaults() throws {
        let plan = try plan()
        #expect(plan.nodeName == "celery@box.example.org" && plan.worker.nodeName == plan.nodeName)
        #expect(plan.worker.queues == ["celery"] && plan.worker.concurrency == 8 && plan.worker.prefetchMultiplier == 4)
        #expect(plan.worker.autoscale == nil && plan.beat == nil && plan.notices.isEmpty && !plan.purges)
        #expect(plan.level == .warning && plan.logFile == nil && plan.pidFile == nil && plan.stateFile == nil)
        #expect(!plan.control.sendsTaskEvents && plan.control.heartbeatInterval == .seconds(2))
        #expect(plan.settings.broker == nil)
    }

    @Test("a schedule that is kept elsewhere is no worker's matter, and refuses a beat")
    func foreignScheduler() throws {
        try Support.withFile("beat_scheduler: django_celery_beat.schedulers:DatabaseScheduler") { path in
            let plan = try plan("--config", path)
            #expect(plan.settings.notices.first?.contains("DatabaseScheduler") == true)
            let error = #expect(throws: ValidationError.self) { try self.plan("--config", path, "--beat") }
            #expect(error?.message.contains("django_celery_beat.schedulers:DatabaseScheduler") == true)
        }
        for name in ["celery.beat:PersistentScheduler", "celery.beat.Scheduler"] {
            try Support.withFile("beat_scheduler: \(name)") { path in
                let plan = try plan("--config", path, "--beat")
                #expect(plan.settings.notices.isEmpty)
            }
        }
    }

    @Test("long flags, short flags and short flags with their value behind them")
    func forms() throws {
        let long = try plan(
            "--broker", "redis://a", "--result-backend", "redis://b", "--queues", "a,b", "--exclude-queues", "b",
            "--concurrency", "3", "--hostname", "w1@%h", "--task-events", "--beat", "--schedule", "runs.json",
            "--loglevel", "info", "--logfile", "%n.log", "--optimization", "fair", "--pool", "threads", "--statedb",
            "%n.state")
        let short = try plan(
            "-b", "redis://a", "-Q", "a,b", "-X", "b", "-c", "3", "-n", "w1@%h", "-EB", "-s", "runs.json", "-l", "info",
            "-f", "%n.log", "-O", "fair", "-P", "threads", "-S", "%n.state")
        let joined = try plan(
            "-b", "redis://a", "-Qa,b", "-Xb", "-c3", "-nw1@%h", "-E", "-B", "-sruns.json", "-linfo", "-f%n.log",
            "-Ofair", "-Pthreads", "-S%n.state")
        #expect(long.settings.results == "redis://b")
        for plan in [long, short, joined] {
            #expect(plan.settings.broker == "redis://a" && plan.worker.queues == ["a"] && plan.worker.concurrency == 3)
            #expect(plan.nodeName == "w1@box.example.org" && plan.control.sendsTaskEvents)
            #expect(plan.beat?.lastRuns == "runs.json" && plan.level.name == "INFO" && plan.logFile == "w1.log")
            #expect(plan.stateFile == "w1.state" && plan.worker.stateFile == "w1.state" && plan.notices.count == 2)
        }
    }

    @Test("a flag goes before the environment, that before the file, and that before the program")
    func precedence() throws {
        let yaml = """
            broker_url: redis://file
            worker_concurrency: 2
            worker_send_task_events: true
            worker_prefetch_multiplier: 2
            task_time_limit: 20
            task_soft_time_limit: 10
            task_acks_late: false
            """
        try Support.withFile(yaml) { path in
            let environment = [
                "CELERY_BROKER_URL": "redis://environment", "CELERY_WORKER_CONCURRENCY": "5",
                "CELERY_TASK_TIME_LIMIT": "50",
                "CELERY_APP": "proj",
            ]
            let plan = try plan("--config", path, "--time-limit", "80", "-c", "0", environment: environment)
            #expect(plan.settings.broker == "redis://environment")
            #expect(plan.worker.concurrency == 5)
            #expect(plan.worker.prefetchMultiplier == 2)
            #expect(plan.control.sendsTaskEvents)
            let options = plan.settings.configuration.taskDefaults
            #expect(options.timeLimits == TimeLimits(soft: .seconds(10), hard: .seconds(80)))
            #expect(options.acknowledgement == .early)
            #expect(
                try self.plan("--config", path, "-b", "redis://flag", environment: environment).settings.broker
                    == "redis://flag")
        }
    }

    @Test("queues are those of -Q, else those of the settings, without those of -X")
    func queues() throws {
        let yaml = """
            task_queues:
              - {name: high, queue_arguments: {x-queue-type: quorum}, max_priority: 5}
              - low
            """
        try Support.withFile(yaml) { path in
            func names(_ flags: String...) throws -> [String] {
                try plan(["--config", path] + flags).worker.queues.map(\.name)
            }
            #expect(try names() == ["high", "low"] && names("-X", "low,other") == ["high"])
            #expect(try names("-Q", "other, low,other") == ["other", "low"])
            let high = try plan("--config", path).worker.queues.first
            #expect(high?.arguments == ["x-queue-type": "quorum", "x-max-priority": 5])
        }
        #expect(try plan(environment: ["CELERY_TASK_DEFAULT_QUEUE": "math"]).worker.queues == ["math"])
        #expect(throws: (any Error).self) { try plan("-X", "celery") }
        #expect(throws: (any Error).self) { try plan("-Q", ",") }
    }

    @Test("health checks are answered where --health says")
    func health() throws {
        #expect(try plan().worker.healthEndpoint == nil)
        #expect(try plan("--health", "8080").worker.healthEndpoint == HealthEndpoint(host: "127.0.0.1", port: 8080))
        #expect(try plan("--health=[::]:80").worker.healthEndpoint == HealthEndpoint(host: "::", port: 80))
        for address in [":80", "localhost", "http://localhost:80", "localhost:65536"] {
            #expect(throws: (any Error).self) { try plan("--health", address) }
        }
        #expect(try !plan("--health", "8080").showsMetrics && plan("--health", "8080", "--metrics").showsMetrics)
        #expect(throws: (any Error).self) { try plan("--metrics") }
    }

    @Test("autoscale, solo, events and limits")
    func features() throws {
        #expect(try plan("--autoscale", "10,3").worker.autoscale == 3...10)
        #expect(try plan("--autoscale", "0,10").worker.autoscale == 1...10)
        #expect(try plan("--autoscale=4").worker.autoscale == 1...4)
        #expect(try plan("-P", "solo", "-c", "5").worker.concurrency == 1)
        #expect(throws: (any Error).self) { try plan("-P", "solo", "--autoscale", "10,3") }
        #expect(try plan("--without-heartbeat").control.heartbeatInterval == nil)
        #expect(try plan().control.mingles)
        #expect(try !plan("--without-mingle").control.mingles)
        #expect(try plan("--heartbeat-interval", "7").control.heartbeatInterval == .seconds(7))
        #expect(try plan("--disable-prefetch").worker.disablesPrefetch)
        #expect(try plan().logFormat == .celery && plan("--log-format", "json").logFormat == .json)
        #expect(try !plan().worker.logsArguments && plan("--log-arguments").worker.logsArguments)
        #expect(throws: (any Error).self) { try plan("--log-format", "xml") }
        #expect(try plan("--prefetch-multiplier", "9").worker.prefetchMultiplier == 9)
        #expect(try plan("--stop-timeout", "1.5").worker.stopTimeout == .seconds(1.5))
        #expect(try plan("-c", "auto").worker.concurrency >= 1)
        #expect(try plan("--time-limit", "0").settings.configuration.taskDefaults.timeLimits.hard == nil)
        #expect(try plan("--discard").purges && plan("--purge").purges)
    }

    @Test("a soft shutdown has its time within the stop, unless a flag says less")
    func softShutdown() throws {
        let variables = [
            "CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT": "60", "CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE": "true",
        ]
        let plan = try plan(environment: variables)
        #expect(plan.worker.softShutdownTimeout == .seconds(60) && plan.worker.softShutdownIsForIdle)
        #expect(plan.worker.stopTimeout == .seconds(75))
        #expect(try self.plan("--stop-timeout", "5", environment: variables).worker.stopTimeout == .seconds(5))
        let short = try self.plan(environment: ["CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT": "2.5"])
        #expect(short.worker.softShutdownTimeout == .seconds(2.5) && short.worker.stopTimeout == .seconds(25))
    }

    @Test("what has no effect is taken, and told of")
    func notices() throws {
        let plan = try plan(
            "-A", "proj", "-C", "-I", "proj.tasks", "--max-tasks-per-child", "5", "--max-memory-per-child", "5",
            "--pool-start-method", "spawn", "--without-gossip", "--executable", "python")
        #expect(plan.notices.count == 7 && plan.notices.allSatisfy { $0.contains("has no effect: ") })
        #expect(plan.notices.first?.hasPrefix("--app ") == true)
    }

    @Test(
        "what cannot be is refused",
        arguments: [
            ["-c", "many"], ["-c", "-1"], ["--autoscale", "1,2,3"], ["--autoscale", "x"], ["-l", "LOUD"],
            ["-P", "fork"],
            ["-O", "best"], ["--time-limit", "-1"], ["--time-limit", "nan"], ["--heartbeat-interval", "-1"],
            ["--scheduler", "django_celery_beat.schedulers:DatabaseScheduler"], ["-f", "%x"], ["--pidfile", "%x"],
            ["-n", "%x"], ["--config", "/nonexistent/celery.yaml"], ["--stop-timeout", "-1"], ["extra"],
        ])
    func refusals(_ arguments: [String]) {
        #expect(throws: (any Error).self) { try plan(arguments) }
    }

    @Test("beat's schedule comes from the settings")
    func beat() throws {
        let yaml = "timezone: Europe/Berlin\nbeat_schedule: {often: {task: tasks.add, schedule: 30, args: [1, 2]}}"
        try Support.withFile(yaml) { path in
            let plan = try plan("--config", path, "-B")
            #expect(plan.beat?.schedule?.entries.map(\.name) == ["often"])
            #expect(
                plan.beat?.schedule?.zone.name == "Europe/Berlin" && plan.beat?.lastRuns == "celerybeat-schedule.json")
            #expect(try self.plan("--config", path).beat == nil)
        }
        #expect(try plan("-B", "--scheduler", "celery.beat.PersistentScheduler").beat?.schedule == nil)
    }

    @Test("a verb that is none is named, with the one that may be meant")
    func unknownVerb() {
        func complaint(_ arguments: String...) -> String? {
            CommandLineOrder.complaint(about: arguments, of: ProgramCommand.self)
        }
        #expect(complaint("statu", "-b", "u") == "There is no verb statu: did you mean status? --help lists them.")
        #expect(complaint("frobnicate") == "There is no verb frobnicate. --help lists them.")
        #expect(complaint("status", "statu") == nil && complaint("help", "status") == nil)
        #expect(complaint("--help") == nil && complaint() == nil)
    }

    @Test("options may stand before the verb, as at Celery")
    func order() {
        func order(_ arguments: String...) -> [String] { CommandLineOrder.verbFirst(arguments) }
        #expect(order("-A", "proj", "worker", "-l", "INFO") == ["worker", "-l", "INFO", "-A", "proj"])
        #expect(order("--broker=redis://a", "-C", "parked", "list") == ["parked", "list", "--broker=redis://a", "-C"])
        #expect(order("-b", "u", "with-servers", "--", "sh") == ["with-servers", "-b", "u", "--", "sh"])
        #expect(order("worker", "-A", "x") == ["worker", "-A", "x"])
        // The parser says what is wrong with these.
        for line in [["--help"], ["-A"], ["-x", "worker"], ["-A", "proj"], []] {
            #expect(CommandLineOrder.verbFirst(line) == line)
        }
    }
}
