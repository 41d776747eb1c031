#if Redis
import Celeriac
import CeleriacWire
import CeleriacRedis
import CeleriacTestKit
import Foundation
import Logging
import NIOPosix
import Testing

/// Tests `celeriac beat` in separate processes, on a real Redis.
@Suite("Beat, live", .serialized) struct BeatTests {
    @Test(
        "A Python worker serves its tasks, which carry the header of Python's beat",
        .timeLimit(.minutes(5)))
    func servedByPython() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let python = PythonPeer(broker: url, results: url)
        async let starting = python.startDriver()
        let worker = try await python.startWorker()
        let driver = try await starting
        let folder = try TemporaryFolder("beat")
        let beat = try BeatProcess(
            broker: url, in: folder,
            schedule: """
                beat_schedule:
                  record: {task: tasks.record, schedule: 0.4, args: ["\(folder.path)/record", ran]}
                  headers: {task: tasks.headers, schedule: 0.5, options: {headers: {mine: 7}, expires: 60}}
                """, "--state", folder.path + "/state")
        await until { recorded(folder.path + "/record").count >= 3 && beat.ids(of: "headers").count >= 2 }
        let id = try #require(beat.ids(of: "headers").first)
        #expect(try await driver.get(id) == .success(["mine": 7, "celery_beat_task": true]))
        #expect(await beat.stop() == .exited(0), "\(beat.logged)")

        // The stored state agrees with the tasks that were sent.
        let state = try WireJSON.decode(
            [UInt8](try #require(FileManager.default.contents(atPath: folder.path + "/state"))))
        for name in ["record", "headers"] {
            #expect(state["entries"]?[name]?["total_run_count"]?.intValue == beat.ids(of: name).count)
        }
        // All tasks have been served once the worker has ended.
        for id in beat.ids(of: "record") { #expect(try await driver.get(id) == .success("ran")) }
        #expect(recorded(folder.path + "/record").count == beat.ids(of: "record").count)
        await worker.stop()
        await driver.stop()
        folder.remove()
    }

    @Test(
        "The command line of a unit of celery beat leaves one in the background, with its log, pidfile and last runs",
        .timeLimit(.minutes(5)))
    func detached() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let folder = try TemporaryFolder("beat")
        let settings = "beat_schedule: {a: {task: tasks.a, schedule: 0.2}}\nbroker_url: \"\(url)\"\n"
        try Data(settings.utf8).write(to: URL(filePath: "\(folder.path)/celery.yaml"))
        let arguments = [
            "--workdir", folder.path, "--config", "celery.yaml", "--schedule", "runs", "--max-interval", "1",
            "--loglevel", "INFO", "--logfile", "%n.log", "--pidfile", "%n.pid", "--umask", "027",
        ]
        let parent = try BeatProcess(in: folder, arguments + ["--detach"])
        #expect(await parent.child.wait() == .exited(0), "\(parent.logged)")
        let log = folder.path + "/celerybeat.log"
        await until { recorded(log).count { $0.contains("entry=a") } >= 3 }
        let pid = try #require(recorded(folder.path + "/celerybeat.pid").first.flatMap { Int32($0) })
        #expect(pid != parent.child.pid)
        let second = try BeatProcess(in: folder, arguments)
        #expect(await second.child.wait() == .exited(73), "\(second.logged)")
        kill(pid, SIGTERM)
        await until { !FileManager.default.fileExists(atPath: folder.path + "/celerybeat.pid") }
        let state = try WireJSON.decode(
            [UInt8](try #require(FileManager.default.contents(atPath: folder.path + "/runs"))))
        #expect(state["entries"]?["a"]?["total_run_count"]?.intValue ?? 0 >= 3)

        // Python's file of last runs is left as it is.
        try Data("GDBM".utf8).write(to: URL(filePath: folder.path + "/runs"))
        let refused = try BeatProcess(in: folder, arguments)
        #expect(await refused.child.wait() == .exited(2), "\(refused.logged)")
        #expect(recorded(folder.path + "/runs") == ["GDBM"])
        folder.remove()
    }

    @Test("It answers Python's ping under its name if it is asked to", .timeLimit(.minutes(5)))
    func answersPing() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let driver = try await PythonPeer(broker: url, results: url).startDriver()
        let folder = try TemporaryFolder("beat")
        let beat = try BeatProcess(
            broker: url, in: folder, schedule: "beat_schedule: {a: {task: tasks.a, schedule: 3600}}",
            "--enable-remote-control", "--hostname", "beat@probe")
        try await until { try await driver.ping() == [["beat@probe": ["ok": "pong"]]] }
        #expect(await beat.stop() == .exited(0), "\(beat.logged)")
        await driver.stop()
        folder.remove()
    }

    @Test(
        "Settings have it answer, and say how long ago it may have looked at its schedule", .timeLimit(.minutes(5)))
    func answersPingBySettings() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let driver = try await PythonPeer(broker: url, results: url).startDriver()
        let folder = try TemporaryFolder("beat")
        func start(_ name: String, maximumAge: String) throws -> BeatProcess {
            let path = "\(folder.path)/\(name).yaml"
            let settings = "beat_enable_remote_control: true\nbeat_remote_control_max_tick_age: \(maximumAge)\n"
            try Data(settings.utf8).write(to: URL(filePath: path))
            return try BeatProcess(
                broker: url, in: folder, schedule: "beat_schedule: {a: {task: tasks.a, schedule: 3600}}",
                "--config", path, "--hostname", "\(name)@probe")
        }
        let patient = try start("patient", maximumAge: "0")
        // It looks once in five minutes.
        let strict = try start("strict", maximumAge: "0.1")
        try await until {
            let replies = try await driver.ping()
            return replies == [["patient@probe": ["ok": "pong"]]] && strict.logged.contains("does not answer")
        }
        #expect(await patient.stop() == .exited(0), "\(patient.logged)")
        #expect(await strict.stop() == .exited(0), "\(strict.logged)")
        await driver.stop()
        folder.remove()
    }

    @Test(
        "Of two that share a lock, one sends; when it is killed, the other takes over and no run is sent twice",
        .timeLimit(.minutes(5)))
    func twoBeats() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let redis = RedisClient(
            try RedisConfiguration(url: url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "live"))
        let folder = try TemporaryFolder("beats")
        let schedule = """
            missed_runs: all
            beat_schedule:
              a: {task: tasks.a, schedule: 0.3}
              b: {task: tasks.b, schedule: 0.5}
            """
        let key = UUID().uuidString
        let arguments = ["--lock", url, "--lock-key", key, "--lock-lease", "5"]
        var beats = [try BeatProcess(broker: url, in: folder, schedule: schedule, arguments)]
        await until { [leader = beats[0]] in leader.ids(of: "a").count >= 2 }
        beats.append(try BeatProcess(broker: url, in: folder, schedule: schedule, arguments))
        await until { [waiting = beats[1]] in waiting.logged.contains("another beat has the lock") }
        await until { [leader = beats[0]] in leader.ids(of: "a").count >= 6 }
        #expect(beats[1].ids(of: "a") == [])

        // The beat is killed, so its lock stays until the lease ends.
        await beats[0].child.kill()
        await until { [next = beats[1]] in next.ids(of: "a").count >= 3 && next.ids(of: "b").count >= 3 }
        beats.append(try BeatProcess(broker: url, in: folder, schedule: schedule, arguments))
        await until { [waiting = beats[2]] in waiting.logged.contains("another beat has the lock") }

        // The beat is stopped gracefully, so the lock is handed over immediately.
        #expect(await beats[1].stop() == .exited(0), "\(beats[1].logged)")
        await until { [next = beats[2]] in next.ids(of: "a").count >= 2 }
        #expect(await beats[2].stop() == .exited(0), "\(beats[2].logged)")

        let note = try await redis.send(RedisCommand("GET", "{\(key)}.state")).bytes
        let entries = try WireJSON.decode(try #require(note))["entries"]
        let counted =
            (entries?["a"]?["total_run_count"]?.intValue ?? 0) + (entries?["b"]?["total_run_count"]?.intValue ?? 0)
        let sent = try await redis.send(RedisCommand("LLEN", "celery")).int ?? 0
        // Every run is counted before it is sent. The kill may have come between the two, for the runs due just then.
        #expect(sent <= counted && sent >= counted - 2)
        #expect(try await redis.send(RedisCommand("EXISTS", "{\(key)}.lock")).int == 0)
        await redis.close()
        folder.remove()
    }

    @Test("SIGTERM while it holds its lock at a server that is frozen", .timeLimit(.minutes(5)))
    func frozenServer() async throws {
        let redis = try await RedisServer.start()
        let server = LiveServer.redis(redis)
        let folder = try TemporaryFolder("beat")
        let beat = try BeatProcess(
            broker: redis.url, in: folder, schedule: "beat_schedule: {a: {task: tasks.a, schedule: 0.3}}",
            "--lock", redis.url)
        await until { beat.ids(of: "a").count >= 2 }
        server.signal(SIGSTOP)
        // One command alone would wait for 30 s.
        await beat.child.stop(grace: .seconds(25))
        #expect(beat.child.status == .exited(1), "\(beat.logged)")
        #expect(beat.logged.contains("the beat waits no longer for a server that does not answer"))
        server.signal(SIGCONT)
        await redis.stop()
        folder.remove()
    }

    @Test("An unusable schedule ends it with status 64 and a reason", .timeLimit(.minutes(5)))
    func badSchedule() async throws {
        let folder = try TemporaryFolder("beat")
        let beat = try BeatProcess(broker: "memory://", in: folder, schedule: "beat_schedule: {a: {task: t}}", [])
        #expect(await beat.child.wait() == .exited(64))
        #expect(beat.logged.contains("has no schedule"))
        folder.remove()
    }
}
#endif
