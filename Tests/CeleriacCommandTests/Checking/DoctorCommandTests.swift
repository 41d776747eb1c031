import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// `celeriac doctor` beside real Celery workers.
@Suite("celeriac doctor", .timeLimit(.minutes(5)))
struct DoctorCommandTests {
    private func findings(_ run: CommandRun) throws -> [WireValue] {
        try WireJSON.decode(Array(run.output.utf8))["findings"]?.arrayValue ?? []
    }

    @Test("finds nothing wrong with a worker as it should be", arguments: RemoteVerbTests.Transport.available)
    func healthy(_ transport: RemoteVerbTests.Transport) async throws {
        let url = try await transport.url()
        let worker = try await PythonPeer(broker: url).startWorker()
        try await until {
            try await CommandRun(["ping", "-q", "-d", worker.name, "-t", "5", "-b", url]).status == .exited(0)
        }
        let run = try await CommandRun(["doctor", "-b", url, "--json"])
        let found = try findings(run)
        #expect(run.status == .exited(0), "\(run.output) \(run.errors)")
        // A busy machine is slow to answer.
        let bad = found.filter { $0["level"] == "problem" || $0["level"] == "warning" && $0["subject"] != "network" }
        #expect(bad.isEmpty, "\(bad)")
        for subject in ["settings", "broker", "server", "rights", "workers", "versions"] {
            #expect(found.contains { $0["subject"] == .string(subject) && $0["level"] == "ok" }, "\(subject)")
        }
        #expect(found.contains { $0["text"]?.stringValue?.contains(worker.name) == true })
        let text = try await CommandRun(["doctor", "-b", url, "-t", "1"])
        #expect(text.output.contains("\n0 problems, ") && text.output.hasPrefix("ok      settings: "))
        await worker.stop()
    }

    #if Redis
    @Test("tells of workers that disagree and of rights that are missing")
    func sick() async throws {
        let server = try await RedisServer.start(.init(persistent: false))
        let options: WireValue = ["visibility_timeout": 60]
        let first = try await PythonPeer(
            broker: server.url, settings: ["broker_transport_options": options, "task_acks_late": true]
        ).startWorker()
        let second = try await PythonPeer(broker: server.url).startWorker()
        let name = server.url
        for worker in [first, second] {
            try await until {
                try await CommandRun(["ping", "-q", "-d", worker.name, "-t", "5", "-b", name]).status == .exited(0)
            }
        }
        let run = try await CommandRun(["doctor", "-b", server.url, "--json"])
        let found = try findings(run)
        #expect(run.status == .exited(1), "\(run.output) \(run.errors)")
        let texts = found.filter { $0["level"] == "problem" }.compactMap { $0["text"]?.stringValue }
        #expect(texts.contains { $0.contains("visibility_timeout is 3600 at ") && $0.contains("; 60 at ") }, "\(texts)")
        #expect(found.allSatisfy { $0["level"] == "ok" || $0["advice"]?.stringValue?.isEmpty == false })
        #expect(
            found.contains { $0["subject"] == "timeouts" && $0["text"]?.stringValue?.hasPrefix(first.name) == true })

        let login = await Support.redis(
            server.port, "ACL SETUSER weak on >secret ~celery* &* +@all -@dangerous -@scripting")
        #expect(login == "+OK")
        let weak = try await CommandRun([
            "doctor", "-b", "redis://weak:secret@127.0.0.1:\(server.port)/0", "--json", "-t", "0.2",
        ])
        let refused = try findings(weak).filter { $0["subject"] == "rights" }.compactMap { $0["text"]?.stringValue }
        #expect(refused.contains { $0.contains("run scripts") } && refused.contains { $0.contains("unacked") })
        // A server that refuses everything was reached all the same.
        let none = await Support.redis(server.port, "ACL SETUSER none on >secret -@all")
        #expect(none == "+OK")
        for user in ["none:secret", "none:wrong"] {
            let refusing = try await CommandRun([
                "doctor", "-b", "redis://\(user)@127.0.0.1:\(server.port)/0", "--json", "-t", "0.2",
            ])
            #expect(refusing.status == .exited(1), "\(refusing.output) \(refusing.errors)")
            let problems = try findings(refusing).filter { $0["level"] == "problem" }
            #expect(!problems.isEmpty)
            #expect(problems.allSatisfy { $0["advice"]?.stringValue?.contains("runs") == false }, "\(problems)")
        }
        await first.stop()
        await second.stop()
        await server.stop()
    }
    #endif

    @Test("says what keeps it from the broker")
    func unreachable() async throws {
        let nobody = try await CommandRun(["doctor", "--json"])
        #expect(nobody.status == .exited(1))
        let unnamed = try findings(nobody)
        #expect(unnamed.contains { $0["text"]?.stringValue?.contains("Specify the broker") == true })
        let bare = try await CommandRun(["doctor", "-b", "localhost:6379"])
        #expect(bare.status == .exited(1) && bare.output.contains("PROBLEM broker: the URL has no scheme"))
        #if Redis
        let away = try await CommandRun(["doctor", "-b", "redis://127.0.0.1:1/0"])
        #expect(away.status == .exited(69) && away.output.contains("cannot be reached"), "\(away.output)")
        #expect(away.output.components(separatedBy: "that it runs").count == 2, "\(away.output)")
        #endif
        let wrong = try await CommandRun(["doctor", "-b", "memory://"], variables: ["CELERY_WORKER_CONCURRENCY": "x"])
        #expect(wrong.status == .exited(1) && wrong.output.contains("worker_concurrency"))
        // Nobody is told to name the broker that is named, nor twice of the same.
        let store = try await CommandRun(["doctor", "-b", "memory://", "--result-backend", "foo://h"])
        #expect(store.status == .exited(1) && !store.output.contains("name a broker"), "\(store.output)")
        #expect(!wrong.output.contains("PROBLEM broker") && wrong.output.contains("\n1 problem, "), "\(wrong.output)")
    }
}
