import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// `celeriac queues` and `list bindings` beside a real Celery worker.
@Suite("celeriac queues", .timeLimit(.minutes(5)))
struct QueuesCommandTests {
    typealias Transport = RemoteVerbTests.Transport

    private func queue(_ name: String, in run: CommandRun) throws -> WireValue? {
        try WireJSON.decode(Array(run.output.utf8))["queues"]?.arrayValue?.first { $0["name"]?.stringValue == name }
    }

    @Test("counts what waits, what a Python worker holds, and what waits for its time", arguments: Transport.available)
    func counts(_ transport: Transport) async throws {
        let url = try await transport.url()
        let worker = try await PythonPeer(broker: url).startWorker(pool: .prefork)
        let app = try CeleryApp(broker: url)
        let slow = TaskDefinition<Double, Void>("tasks.slow")
        // The first one runs and is acknowledged, as Celery does by default.
        for _ in 0..<2 { try await app.send(slow(600)) }
        try await app.send(slow(600), countdown: .seconds(300))
        for _ in 0..<3 { try await app.send(slow(600), queue: "idle") }

        func run(_ arguments: String...) async throws -> CommandRun {
            try await CommandRun(["queues", "-b", url, "-t", "2"] + arguments)
        }
        try await until {
            let celery = try queue("celery", in: await run("--json"))
            return celery?["held"] == 2 && celery?["scheduled"] == 1 && celery?["waiting"] == 0
        }
        // Nobody serves that queue, and RabbitMQ tells nobody of it.
        let unnamed = try await run()
        #expect(unnamed.output.contains("Not counted: queues that no worker serves") == (transport != .redis))
        let both = try await run("-Q", "celery,idle", "--json")
        let celery = try queue("celery", in: both)
        #expect(celery?["workers"] == [.string(worker.name)] && celery?["parked"] == 0)
        let idle = try queue("idle", in: both)
        #expect(idle?["waiting"] == 3 && idle?["held"] == 0 && idle?["workers"] == [])
        let table = try await run("-Q", "idle")
        let expected = """
            QUEUE  WAITING  HELD  SCHEDULED  PARKED  OLDEST  WORKERS
            idle   3        0     0          0       -       0

            """
        #expect(table.output.hasPrefix(expected), "\(table.output)")
        #expect(!table.output.contains("queues that no worker"))
        await app.close()
        await worker.kill()
    }

    @Test("counts files of a folder, with their age")
    func folder() async throws {
        let folder = try TemporaryFolder("queues")
        defer { folder.remove() }
        let url = "filesystem://" + folder.path
        for _ in 0..<2 { _ = try await CommandRun(["call", "t", "--queue", "a.b", "-b", url]) }
        let run = try await CommandRun(["queues", "-Q", "a.b,none", "-b", url, "--json"])
        #expect(run.status == .exited(0), "\(run.errors)")
        let counted = try queue("a.b", in: run)
        #expect(counted?["waiting"] == 2 && counted?["held"] == 0 && counted?["parked"] == 0)
        let age = try #require(counted?["oldest_age"]?.doubleValue)
        #expect(age >= 0)
        let none = try queue("none", in: run)
        #expect(none?["waiting"] == 0 && none?["oldest_age"]?.isNull == true)
        let bindings = try await CommandRun(["list", "bindings", "-b", url])
        #expect(bindings.status == .exited(64))
        #expect(bindings.errors == "Error: bindings need control_folder in broker_transport_options\n")
        for (verb, text) in [
            (["status"], "remote control needs"), (["settings", "--like", "a@b"], "remote control needs"),
            (["events"], "events need"),
        ] {
            let refused = try await CommandRun(verb + ["-b", url])
            #expect(refused.status == .exited(64))
            #expect(
                refused.errors == "Error: \(text) control_folder in broker_transport_options\n", "\(refused.errors)")
        }
    }

    #if Redis
    @Test("list bindings prints what Celery's prints")
    func bindings() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        // Celery's declares its queue.
        let celerys = try await PythonPeer(broker: url).celery(["list", "bindings"])
        let ours = try await CommandRun(["list", "bindings", "-b", url])
        #expect(ours.output == celerys.output && ours.status == .exited(0), "\(ours.errors)")
        let json = try WireJSON.decode(
            Array(try await CommandRun(["list", "bindings", "-b", url, "-j"]).output.utf8))
        #expect(json["bindings"] == [["queue": "celery", "exchange": "celery", "routing_key": "celery"]])
        // The queue is found without anybody who names it.
        let queues = try await CommandRun(["queues", "-b", url, "-t", "0.1"])
        #expect(queues.output.contains("\ncelery "))
    }
    #endif
}
