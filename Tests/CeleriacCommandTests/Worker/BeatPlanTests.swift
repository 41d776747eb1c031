import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleryDialect
import Foundation
import Logging
import Testing

@testable import CeleriacCommand

/// What becomes of a beat's command line, and of the file that `--schedule` names.
@Suite("Beat's command line") struct BeatPlanTests {
    private static let settings = "beat_schedule: {often: {task: tasks.add, schedule: 30}}"

    private func plan(_ arguments: String...) throws -> BeatPlan { try plan(arguments) }

    private func plan(_ arguments: [String]) throws -> BeatPlan {
        try BeatPlan(
            try BeatCommand.parse(["-b", "memory://"] + arguments), environment: [:], host: "box.example.org")
    }

    @Test("a unit's line of celery beat is taken as it stands")
    func celery() throws {
        try Support.withFile(Self.settings) { path in
            let none = try plan("--config", path)
            #expect(none.nodeName == "celerybeat@box.example.org" && none.level == .info && none.lastRuns == nil)
            #expect(
                none.logFile == nil && none.pidFile == nil && none.schedule.configuration.maximumPause == .seconds(300))
            let long = try plan(
                "--config", path, "--schedule", "/run/beat/runs", "--scheduler", "celery.beat:PersistentScheduler",
                "--max-interval", "5", "--loglevel", "WARNING", "--logfile", "/var/log/%n.log", "--pidfile",
                "/run/%n.pid", "--detach", "--uid", "1", "--gid", "1", "--umask", "022", "--workdir", "/")
            let short = try plan(
                "--config", path, "-s/run/beat/runs", "-S", "celery.beat.PersistentScheduler", "--max-interval", "5",
                "-lwarning", "-f", "/var/log/%n.log", "--pidfile", "/run/%n.pid")
            for plan in [long, short] {
                #expect(plan.schedule.entries.map(\.name) == ["often"] && plan.lastRuns == "/run/beat/runs")
                #expect(plan.schedule.configuration.maximumPause == .seconds(5) && plan.level == .warning)
                #expect(plan.logFile == "/var/log/celerybeat.log" && plan.pidFile == "/run/celerybeat.pid")
            }
            #expect(try plan("--config", path, "-n", "b1@%h", "--log-format", "json").nodeName == "b1@box.example.org")
            #expect(try plan("--config", path, "-v").level == .debug)
            #expect(try plan("--config", path, "--state", "runs", "--max-interval", "0").lastRuns == "runs")
        }
    }

    @Test(
        "--schedule is a schedule by its content or its name, and else the last runs",
        arguments: [
            ("beat.yaml", "beat_schedule: {own: {task: t, schedule: 1}}", true),
            ("beat", "timezone: Europe/Berlin\nbeat_schedule: {own: {task: t, schedule: 1}}", true),
            ("runs", #"{"version": 1, "entries": {}}"#, false), ("runs", "", false), ("runs", "GDBM\u{0}\u{1}", false),
        ])
    func kinds(_ name: String, _ content: String, _ isSchedule: Bool) throws {
        try Support.withFile(Self.settings) { settings in
            try Support.withFile(content, named: name) { path in
                let plan = try plan("--config", settings, "-s", path)
                #expect(plan.schedule.entries.map(\.name) == [isSchedule ? "own" : "often"])
                #expect(plan.lastRuns == (isSchedule ? nil : path))
                guard !isSchedule else {
                    #expect(try self.plan("-s", path, "--state", "runs").lastRuns == "runs")
                    return
                }
                let both = ["--config", settings, "-s", path, "--state", "runs"]
                let error = #expect(throws: ValidationError.self) { try self.plan(both) }
                #expect(error?.message.contains("--state names too") == true)
            }
        }
    }

    @Test("a schedule with a mistake is no file of last runs, and neither is one that is not there")
    func mistakes() throws {
        try Support.withFile("beat_scheduel: {own: {task: t, schedule: 1}}", named: "beat") { path in
            let error = #expect(throws: CeleriacError.self) { try plan("-s", path) }
            #expect(error?.message.contains("beat_scheduel") == true)
        }
        try Support.withFile(Self.settings) { path in
            let error = #expect(throws: CeleriacError.self) { try plan("--config", path, "-s", "/none.yml") }
            #expect(error?.message.contains("/none.yml") == true)
        }
    }

    @Test(
        "what cannot be is refused",
        arguments: [
            ["-s", "runs"], ["--max-interval", "-1"], ["--max-interval", "86401"], ["-S", "django_celery_beat:X"],
            ["-f", "%x"], ["--pidfile", "%x"], ["-n", "%x"], ["-l", "LOUD"], ["--lock-lease", "0"],
        ])
    func refusals(_ arguments: [String]) throws {
        try Support.withFile(Self.settings) { path in
            // Only the first of them fails for want of a schedule.
            let all = arguments.first == "-s" ? arguments : ["--config", path] + arguments
            #expect(throws: (any Error).self) { try plan(all) }
        }
    }

    @Test("a scheduler that keeps its entries elsewhere is refused unless a flag names another")
    func foreignScheduler() throws {
        try Support.withFile("beat_scheduler: django_celery_beat.schedulers:DatabaseScheduler\n" + Self.settings) {
            path in
            #expect(throws: ValidationError.self) { try plan("--config", path) }
            let named = try plan("--config", path, "-S", "celery.beat:Scheduler")
            #expect(named.schedule.entries.map(\.name) == ["often"])
        }
    }
}
