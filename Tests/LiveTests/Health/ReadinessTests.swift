#if Redis
import Celeriac
import CeleriacTestKit
import Foundation
import TestSupport
import Testing

/// Tests that workers say by remote control what they say over HTTP.
@Suite("Readiness by remote control", .serialized, .timeLimit(.minutes(5)))
struct ReadinessTests {
    @Test("a worker without its result store says so, and says when it is back")
    func store() async throws {
        let site = try await BrokerSite(.redis)
        let store = try await RedisServer.start()
        let worker = try await CheckedWorker.start(site, results: store.url)
        let control = site.app.control(destination: ["w1@live"], timeout: .seconds(30))
        try await until { try only(await control.readiness()).isEmpty }
        if let pid = store.pid { kill(pid, SIGSTOP) }
        try await until { try !only(await control.readiness()).isEmpty }
        let reasons = try only(await control.readiness())
        #expect(reasons.allSatisfy { $0.contains("redis://127.0.0.1:\(store.port)") }, "\(reasons)")
        try await worker.becomes(503)
        if let pid = store.pid { kill(pid, SIGCONT) }
        try await until { try only(await control.readiness()).isEmpty }
        try await worker.becomes(200)
        #expect(await worker.process.stop().status == .exited(0))
        await store.stop()
        await site.close()
    }

    @Test("a worker that is stopping says so until its last task has ended")
    func stop() async throws {
        let site = try await BrokerSite(.redis)
        let worker = try await CheckedWorker.start(site)
        let control = site.app.control(destination: ["w1@live"], timeout: .seconds(30))
        let (lines, gate) = (site.folder.path + "/lines", site.folder.path + "/gate")
        _ = try await site.app.send(TaskDefinition<String, String, String, String>("tasks.held")(lines, "x", gate))
        await until { recorded(lines) == ["x begins"] }
        try await until { try only(await control.readiness()).isEmpty }
        worker.process.child.signal(SIGTERM)
        try await until { try only(await control.readiness()) == ["the worker is stopping"] }
        try append("", to: gate)
        #expect(await worker.process.end().status == .exited(0))
        await site.close()
    }
}
#endif
