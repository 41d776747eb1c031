import Celeriac
import CeleriacCore
import CeleriacTestKit
import Foundation
import TestSupport
import Testing

/// Tests what orchestrators see of a worker whose servers come and go, and that is told to stop.
@Suite("Health checks", .serialized, .timeLimit(.minutes(5)))
struct HealthTests {
    @Test(
        "a worker is not ready while its broker is frozen, is ready afterwards, and lives all the while",
        arguments: BrokerSite.Kind.available)
    func frozenBroker(_ kind: BrokerSite.Kind) async throws {
        let site = try await BrokerSite(kind)
        let worker = try await CheckedWorker.start(site)
        try await worker.becomes(200)
        site.server.signal(SIGSTOP)
        let reasons = try await worker.becomes(503)
        #expect(reasons.contains { $0.contains("has not answered for") }, "\(reasons)")
        site.server.signal(SIGCONT)
        try await worker.becomes(200)
        let sum = try await site.app.send(TaskDefinition<Int, Int, Int>("tasks.add")(2, 3))
        #expect(try await sum.get(timeout: .seconds(60)) == 5)
        #expect(await worker.process.stop().status == .exited(0))
        await site.close()
    }

    #if Redis
    @Test("a worker that is asked to has its metrics beside its health checks")
    func metrics() async throws {
        let site = try await BrokerSite(.redis)
        let worker = try await CheckedWorker.start(site, arguments: ["--metrics"])
        let sum = try await site.app.send(TaskDefinition<Int, Int, Int>("tasks.add")(2, 3))
        #expect(try await sum.get(timeout: .seconds(60)) == 5)
        var text = ""
        try await until {
            text = try await worker.get("/metrics").body
            return text.contains("celeriac_tasks_succeeded_total{task=\"tasks.add\",queue=")
        }
        #expect(text.contains("\nceleriac_task_runtime_seconds_bucket{task=\"tasks.add\",queue="), "\(text)")
        #expect(text.contains("\nceleriac_worker_running{worker=\"w1@live\"} "), "\(text)")
        #expect(text.contains("\nceleriac_result_store_up{worker=\"w1@live\"} 1\n"), "\(text)")
        #expect(await worker.process.stop().status == .exited(0))
        await site.close()
    }

    @Test("a worker is not ready while Redis is gone, and is ready when it is back")
    func killedRedis() async throws {
        let site = try await BrokerSite(.redis)
        let worker = try await CheckedWorker.start(site)
        try await worker.becomes(200)
        if case .redis(let redis) = site.server { await redis.kill() }
        let reasons = try await worker.becomes(503)
        #expect(reasons.contains { $0.contains("redis://127.0.0.1") }, "\(reasons)")
        try await site.server.restart()
        try await worker.becomes(200)
        #expect(await worker.process.stop().status == .exited(0))
        await site.close()
    }

    @Test("at SIGTERM a worker is not ready any more, and lives until its last task has ended")
    func stop() async throws {
        let site = try await BrokerSite(.redis)
        let worker = try await CheckedWorker.start(site)
        let (lines, gate) = (site.folder.path + "/lines", site.folder.path + "/gate")
        let sent = try await site.app.send(
            TaskDefinition<String, String, String, String>("tasks.held")(lines, "x", gate))
        await until { recorded(lines) == ["x begins"] }
        try await worker.becomes(200)
        worker.process.child.signal(SIGTERM)
        let reasons = try await worker.becomes(503)
        #expect(reasons == ["the worker is stopping"])
        let live = try await worker.get("/live")
        #expect(live.status == 200 && worker.process.child.status == nil)
        try append("", to: gate)
        let (status, logged) = await worker.process.end()
        #expect(status == .exited(0), "\(logged)")
        #expect(try await sent.get(timeout: .seconds(60)) == "x")
        await #expect(throws: (any Error).self) { try await worker.get("/live") }
        await site.close()
    }

    @Test("a port that is taken ends the worker at once, before it deletes anything")
    func takenPort() async throws {
        let site = try await BrokerSite(.redis)
        let worker = try await CheckedWorker.start(site)
        _ = try await site.app.send(TaskDefinition<Int, Int, Int>("tasks.add")(2, 3), queue: "other")
        let second = try ProgramProcess(
            ["worker", "-b", site.broker, "-Q", "other", "--purge", "--health", "127.0.0.1:\(worker.port)"],
            in: site.folder)
        let (status, logged) = await second.end()
        #expect(status == .exited(2), "\(logged)")
        let place = "127.0.0.1:\(worker.port)"
        #expect(
            logged.contains("Error: cannot listen for health checks at \(place) (Address already in use): "),
            "\(logged)")
        #expect(!logged.contains("errno"), "\(logged)")
        #expect(try await site.app.client.broker.depth(of: "other") == 1)
        #expect(await worker.process.stop().status == .exited(0))
        await site.close()
    }
    #endif
}
