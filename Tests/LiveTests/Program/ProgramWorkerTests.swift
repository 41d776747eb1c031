import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// Tests the verb `worker` of a program beside Python's client: what its flags do to tasks, events and remote control.
@Suite("Worker of a program", .serialized, .timeLimit(.minutes(5)))
struct ProgramWorkerTests {
    @Test("serves Python by -Q, -X, -n and -E, and ends warm", arguments: BrokerSite.Kind.available)
    func serves(_ kind: BrokerSite.Kind) async throws {
        let site = try await BrokerSite(kind)
        let driver = try await site.python.startDriver()
        let worker = try await ProgramProcess.worker(site, "-Q", "reports,left", "-X", "left", "-E", "-c", "2")
        _ = try await driver.ask("listen")

        let left = try await driver.send("tasks.add", [1, 1], options: ["queue": "left"])
        let sent = try await driver.send("tasks.add", [2, 3], options: ["queue": "reports"])
        #expect(try await driver.get(sent, timeout: .seconds(60)) == .success(5))
        let greeted = try await driver.send("tasks.greet", options: ["queue": "reports"])
        #expect(try await driver.get(greeted, timeout: .seconds(60)) == .success("prepared"))
        #expect(try await site.server.messages(in: "left").waiting == 1)
        #expect(try await driver.state(left) == "PENDING")

        let name = "w1@live"
        #expect(try await driver.ping(timeout: .seconds(60)) == [.object([name: ["ok": "pong"]])])
        let fields: [String: WireValue] = [
            "method": "active_queues", "args": [], "timeout": 20, "limit": 1, "destination": [.string(name)],
        ]
        let queues = try await driver.ask("inspect", fields)["replies"]?[name]?.arrayValue
        #expect(queues?.compactMap { $0["name"]?.stringValue } == ["reports"])
        var heard: [WireValue] = []
        try await until {
            heard += try await driver.ask("heard")["events"]?.arrayValue ?? []
            return heard.contains { $0["type"] == "task-succeeded" && $0["uuid"] == .string(sent) }
        }
        #expect(heard.filter { $0["uuid"] == .string(sent) }.allSatisfy { $0["hostname"] == .string(name) })

        let (status, logged) = await worker.stop()
        #expect(status == .exited(0), "\(logged)")
        for line in [
            ".> task events: ON", ".> concurrency: 2 (handlers)",
            ".> reports          exchange=reports(direct) key=reports",
            "  . tasks.greet", "INFO/MainProcess] w1@live ready.", "worker: Warm shutdown (MainProcess)", "finished",
        ] {
            #expect(logged.contains(line + "\n"), "\(line): \(logged)")
        }
        await driver.stop()
        await site.close()
    }

    #if Redis
    @Test("the settings file, a variable before it, and a flag before both")
    func settings() async throws {
        let site = try await BrokerSite(.redis)
        let path = site.folder.path + "/celery.yaml"
        let yaml = """
            broker_url: \(site.broker)
            result_backend: redis://127.0.0.1:1/0
            task_default_queue: from-file
            worker_concurrency: 3
            imports: [proj.tasks]
            """
        try Data(yaml.utf8).write(to: URL(filePath: path))
        let variables = ["CELERY_RESULT_BACKEND": site.results, "CELERY_WORKER_CONCURRENCY": "5"]
        // The option of the application stands before the verb, as at Celery.
        let worker = try ProgramProcess(
            ["-A", "proj", "--config", path, "worker", "-linfo", "-c2"], in: site.folder, variables: variables)
        try await worker.logs(" ready.")
        for text in [".> concurrency: 2 ", ".> from-file ", "--app has no effect", "sets imports, which has no effect"]
        {
            #expect(worker.logged.contains(text), "\(text): \(worker.logged)")
        }
        let call = try ProgramProcess(
            ["call", "tasks.add", "--args", "[2, 3]", "--wait", "--json", "--config", path], in: site.folder,
            variables: variables)
        let (status, printed) = await call.end()
        let id = try #require(WireJSON.decode(Array(printed.utf8))["id"]?.stringValue)
        #expect(status == .exited(0) && printed.contains("\"result\": 5"), "\(printed)")
        let result = try ProgramProcess(["result", id, "--config", path], in: site.folder, variables: variables)
        #expect(await result.end().logged == "SUCCESS 5\n")
        #expect(await worker.stop().status == .exited(0))

        try Data("broker_url: x\nworker_concurency: 3\n".utf8).write(to: URL(filePath: path))
        let refused = try ProgramProcess(["worker", "--config", path], in: site.folder)
        let (wrong, text) = await refused.end()
        #expect(
            wrong == .exited(64) && text.contains("unknown key 'worker_concurency': did you mean 'worker_concurrency'?")
        )
        await site.close()
    }

    @Test("-B sends what the settings have, and remembers when across a restart")
    func beat() async throws {
        let site = try await BrokerSite(.redis)
        let (path, ticks, runs) = (
            site.folder.path + "/celery.yaml", site.folder.path + "/ticks", site.folder.path + "/runs"
        )
        let yaml = "beat_schedule: {often: {task: tasks.held, schedule: 0.2, args: [\(ticks), tick, '']}}"
        try Data(yaml.utf8).write(to: URL(filePath: path))
        let worker = try await ProgramProcess.worker(site, "-B", "-s", runs, "--config", path)
        await until { recorded(ticks).count { $0 == "tick" } >= 3 }
        #expect(await worker.stop().status == .exited(0))
        let saved = try WireJSON.decode([UInt8](try Data(contentsOf: URL(filePath: runs))))
        #expect(saved["entries"]?["often"]?["total_run_count"]?.intValue ?? 0 >= 3)
        await site.close()
    }

    @Test("--autoscale grows with the tasks, and Python moves its bounds")
    func autoscale() async throws {
        let site = try await BrokerSite(.redis)
        let driver = try await site.python.startDriver()
        let worker = try await ProgramProcess.worker(site, "--autoscale", "4,1", "--prefetch-multiplier", "1")
        func concurrency() async throws -> Int? {
            let fields: [String: WireValue] = ["method": "stats", "args": [], "timeout": 5, "limit": 1]
            return try await driver.ask("inspect", fields)["replies"]?["w1@live"]?["pool"]?["max-concurrency"]?.intValue
        }
        func bounds(_ maximum: Int) async throws -> WireValue? {
            let fields: [String: WireValue] = [
                "command": "autoscale", "arguments": ["max": .int(Int64(maximum))], "timeout": 5, "limit": 1,
            ]
            return try await driver.ask("control", fields)["replies"]?[0]?["w1@live"]
        }
        try await until { try await concurrency() == 1 }
        let (path, gate) = (site.folder.path + "/lines", site.folder.path + "/gate")
        var tasks: [String] = []
        for _ in 0..<6 { tasks.append(try await driver.send("tasks.held", [.string(path), "x", .string(gate)])) }
        await until { recorded(path).count { $0 == "x begins" } == 4 }
        try await until { try await concurrency() == 4 }
        #expect(try await bounds(5) == ["ok": "autoscale now max=5 min=1"])
        await until { recorded(path).count { $0 == "x begins" } == 5 }
        #expect(try await bounds(0)?["error"] != nil)
        try append("", to: gate)
        for task in tasks { #expect(try await driver.get(task, timeout: .seconds(60)) == .success("x")) }
        #expect(try await bounds(2) == ["ok": "autoscale now max=2 min=1"])
        try await until { try await concurrency() == 2 }
        #expect(await worker.stop().status == .exited(0))
        await driver.stop()
        await site.close()
    }

    @Test("--purge begins with empty queues, and --statedb remembers revocations")
    func purgeAndState() async throws {
        let site = try await BrokerSite(.redis)
        let driver = try await site.python.startDriver()
        for _ in 0..<3 { _ = try await driver.send("tasks.add", [1, 1]) }
        let state = site.folder.path + "/%n.state"
        let worker = try await ProgramProcess.worker(site, "--purge", "-S", state)
        #expect(worker.logged.contains("purge: Erased 3 messages from the queue.\n"))
        // Its mailbox may open a little later than its queues.
        _ = try await driver.ping()
        _ = try await driver.ask("revoke", ["ids": ["one", "two"], "terminate": false])
        func revoked() async throws -> [String] {
            let fields: [String: WireValue] = ["method": "revoked", "args": [], "timeout": 5, "limit": 1]
            let ids = try await driver.ask("inspect", fields)["replies"]?["w1@live"]?.arrayValue ?? []
            return ids.compactMap(\.stringValue).sorted()
        }
        try await until { try await revoked() == ["one", "two"] }
        #expect(await worker.stop().status == .exited(0))

        let again = try await ProgramProcess.worker(site, "--statedb", state)
        _ = try await driver.ping()
        try await until { try await revoked() == ["one", "two"] }
        let sent = try await driver.send("tasks.add", [1, 1], options: ["task_id": "two"])
        guard case .failure(let name, _, _, _) = try await driver.get(sent, timeout: .seconds(60)) else {
            Issue.record("the revoked task ran")
            return
        }
        #expect(name == "REVOKED")
        #expect(await again.stop().status == .exited(0))

        // A file that Python wrote is left as it is.
        try Data("GDBM".utf8).write(to: URL(filePath: site.folder.path + "/w1.state"))
        let refused = try ProgramProcess(
            ["worker", "-b", site.broker, "-n", "w1@live", "-S", state], in: site.folder)
        #expect(await refused.end().status == .exited(2))
        #expect(recorded(site.folder.path + "/w1.state") == ["GDBM"])
        await driver.stop()
        await site.close()
    }
    #endif
}
