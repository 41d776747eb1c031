#if Redis
import Celeriac
import CeleriacTestKit
import Foundation
import Testing

/// Tests how the worker of a program begins and ends.
@Suite("Life of a program", .serialized, .timeLimit(.minutes(5)))
struct ProgramLifeTests {
    /// A worker that runs a task which ends when somebody makes its gate.
    private struct Busy {
        let site: BrokerSite
        let worker: ProgramProcess
        let sent: AsyncResult<String>
        var path: String { site.folder.path + "/lines" }
        var gate: String { site.folder.path + "/gate" }

        init(_ arguments: String...) async throws {
            site = try await BrokerSite(.redis)
            worker = try await ProgramProcess.worker(site, arguments: arguments)
            let (path, gate) = (site.folder.path + "/lines", site.folder.path + "/gate")
            sent = try await site.app.send(
                TaskDefinition<String, String, String, String>("tasks.held")(path, "x", gate))
            await until { recorded(path) == ["x begins"] }
        }
    }

    @Test("a warm shutdown waits for the task that runs", arguments: [SIGTERM, SIGINT])
    func warm(_ signal: Int32) async throws {
        let busy = try await Busy()
        busy.worker.child.signal(signal)
        try await busy.worker.logs("worker: Warm shutdown (MainProcess)\n")
        #expect(busy.worker.child.status == nil)
        try append("", to: busy.gate)
        let (status, logged) = await busy.worker.end()
        #expect(status == .exited(0) && !logged.contains("Cold"), "\(logged)")
        let task = "Task tasks.held[\(busy.sent.id)]"
        #expect(logged.contains("\(task) received") && logged.contains("\(task) succeeded in "), "\(logged)")
        #expect(try await busy.sent.get(timeout: .seconds(60)) == "x")
        await busy.site.close()
    }

    @Test("a warm shutdown whose time is over cancels the task, whose message goes back, and ends with status 1")
    func overdue() async throws {
        let busy = try await Busy("--stop-timeout", "1")
        let (status, logged) = await busy.worker.stop()
        #expect(status == .exited(1) && !logged.contains("Cold"), "\(logged)")
        try await until { try await busy.site.messages() == (1, 0) }
        #expect(recorded(busy.path) == ["x begins"])
        await busy.site.close()
    }

    @Test("a warm shutdown leaves a broker that stands still, and ends with status 1")
    func frozen() async throws {
        let busy = try await Busy("--stop-timeout", "1")
        busy.site.server.signal(SIGSTOP)
        let (status, logged) = await busy.worker.stop()
        busy.site.server.signal(SIGCONT)
        #expect(status == .exited(1) && logged.contains("waits no longer for its stop to complete"), "\(logged)")
        await busy.site.close()
    }

    @Test("a second SIGINT, or SIGQUIT, cancels the task, whose message goes back", arguments: [SIGINT, SIGQUIT])
    func cold(_ signal: Int32) async throws {
        let busy = try await Busy()
        if signal != SIGQUIT {
            busy.worker.child.signal(signal)
            try await busy.worker.logs("worker: Warm shutdown (MainProcess)\n")
        }
        busy.worker.child.signal(signal)
        let (status, logged) = await busy.worker.end()
        #expect(status == .exited(1) && logged.contains("worker: Cold shutdown (MainProcess)\n"), "\(logged)")
        #expect(logged.contains("Restoring 1 unacknowledged message(s)"), "\(logged)")
        try await until { try await busy.site.messages() == (1, 0) }
        #expect(recorded(busy.path) == ["x begins"])
        await busy.site.close()
    }

    @Test("a soft shutdown lets the task end that does in time, and cancels the other", arguments: [true, false])
    func soft(_ isInTime: Bool) async throws {
        let site = try await BrokerSite(.redis)
        let path = site.folder.path + "/celery.yaml"
        let seconds = isInTime ? "3600" : "0.25"
        try Data("worker_soft_shutdown_timeout: \(seconds)\n".utf8).write(to: URL(filePath: path))
        let worker = try await ProgramProcess.worker(site, "--config", path)
        let (lines, gate) = (site.folder.path + "/lines", site.folder.path + "/gate")
        let sent = try await site.app.send(
            TaskDefinition<String, String, String, String>("tasks.held")(lines, "x", gate))
        await until { recorded(lines) == ["x begins"] }
        worker.child.signal(SIGQUIT)
        try await worker.logs("Initiating Soft Shutdown, terminating in \(seconds) seconds")
        if isInTime { try append("", to: gate) }
        let (status, logged) = await worker.end()
        #expect(status == .exited(1) && logged.contains("worker: Cold shutdown (MainProcess)\n"), "\(logged)")
        if isInTime {
            #expect(try await sent.get(timeout: .seconds(60)) == "x")
        } else {
            try await until { try await site.messages() == (1, 0) }
            #expect(recorded(lines) == ["x begins"])
        }
        await site.close()
    }

    @Test("SIGHUP starts the worker again, as the same process")
    func restart() async throws {
        let site = try await BrokerSite(.redis)
        let pidFile = site.folder.path + "/%n.pid"
        let worker = try await ProgramProcess.worker(site, "--pidfile", pidFile, "--workdir", site.folder.path)
        worker.child.signal(SIGHUP)
        try await worker.logs("w1@live ready.", times: 2)
        #expect(recorded(site.folder.path + "/w1.pid") == ["\(worker.child.pid)"])
        let sum = try await site.app.send(TaskDefinition<Int, Int, Int>("tasks.add")(2, 3))
        #expect(try await sum.get(timeout: .seconds(60)) == 5)
        let (status, logged) = await worker.stop()
        #expect(status == .exited(0) && logged.contains("worker: Restarting (MainProcess)\n"), "\(logged)")
        await site.close()
    }

    @Test("a pidfile has one holder, and goes with it")
    func pidFile() async throws {
        let site = try await BrokerSite(.redis)
        let path = site.folder.path + "/w1.pid"
        let worker = try await ProgramProcess.worker(site, "--pidfile", path)
        #expect(recorded(path) == ["\(worker.child.pid)"])
        let second = try ProgramProcess(["worker", "-b", site.broker, "--pidfile", path], in: site.folder)
        let (status, logged) = await second.end()
        #expect(status == .exited(73) && logged.contains("\(worker.child.pid)"), "\(logged)")
        // What a crash leaves is removed.
        await worker.child.kill()
        #expect(recorded(path) == ["\(worker.child.pid)"])
        let third = try await ProgramProcess.worker(site, "--pidfile", path)
        #expect(recorded(path) == ["\(third.child.pid)"] && third.logged.contains("Removing the stale pidfile"))
        #expect(await third.stop().status == .exited(0))
        #expect(!FileManager.default.fileExists(atPath: path))
        await site.close()
    }

    @Test("--detach leaves a worker in the background, in its folder, with its log and pidfile")
    func detached() async throws {
        let site = try await BrokerSite(.redis)
        let folder = site.folder.path
        let parent = try ProgramProcess(
            [
                "worker", "-b", site.broker, "--result-backend", site.results, "-l", "INFO", "-n", "d1@live", "-D",
                "--workdir", folder, "--pidfile", "%n.pid", "-f", "%n.log", "--umask", "027",
            ], in: site.folder)
        let (status, logged) = await parent.end()
        #expect(status == .exited(0), "\(logged)")
        await until { recorded(folder + "/d1.log").contains { $0.hasSuffix("d1@live ready.") } }
        let pid = try #require(recorded(folder + "/d1.pid").first.flatMap { Int32($0) })
        #expect(pid != parent.child.pid)
        let sum = try await site.app.send(TaskDefinition<Int, Int, Int>("tasks.add")(2, 3))
        #expect(try await sum.get(timeout: .seconds(60)) == 5)
        kill(pid, SIGTERM)
        await until { !FileManager.default.fileExists(atPath: folder + "/d1.pid") }
        let mode = try FileManager.default.attributesOfItem(atPath: folder + "/d1.log")[.posixPermissions] as? Int
        #expect(mode == 0o640)
        await site.close()
    }

    @Test("a broker that cannot be reached is told of, and waited for until a signal")
    func unreachable() async throws {
        let folder = try TemporaryFolder("program")
        defer { folder.remove() }
        // The broker of the program's own settings.
        let worker = try ProgramProcess(["worker", "-n", "w1@live"], in: folder)
        try await worker.logs("WARNING/MainProcess] the broker is out of reach, trying again")
        try await worker.logs("ERROR/MainProcess] w1@live cannot reach redis://127.0.0.1:1/0 yet")
        let (status, logged) = await worker.stop()
        #expect(status == .exited(0) && !logged.contains("ready."), "\(logged)")

        let nowhere = try ProgramProcess(["worker", "-b", "sqs://"], in: folder)
        let (refused, text) = await nowhere.end()
        #expect(refused == .exited(64) && text.contains("Error: the scheme 'sqs' names no broker"), "\(text)")
    }

    @Test("a purge that waits for its broker ends with either shutdown", arguments: [SIGTERM, SIGQUIT])
    func endsPurge(_ signal: Int32) async throws {
        let folder = try TemporaryFolder("program")
        defer { folder.remove() }
        let worker = try ProgramProcess(["worker", "-n", "w1@live", "--purge"], in: folder)
        try await worker.logs("purge: the broker is out of reach, trying again")
        worker.child.signal(signal)
        let (status, logged) = await worker.end()
        #expect(status == .exited(signal == SIGQUIT ? 1 : 0), "\(logged)")
    }
}
#endif
