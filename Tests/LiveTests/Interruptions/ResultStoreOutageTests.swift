#if AMQP && Redis
import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// Tests workers whose result store goes away while the broker stays: nothing is acknowledged before its result is
/// stored, and nothing is lost.
@Suite("Result stores that are down", .serialized)
struct ResultStoreOutageTests {
    private static let lost = "the result store is out of reach"
    private static let back = "the result store is back"

    private static let endings: [(ResultStoreSite.Kind, ResultStoreSite.Trouble)] =
        ResultStoreSite.Kind.onRabbitMQ.flatMap { [($0, .frozen), ($0, .killed)] }
        + ResultStoreSite.Kind.onRedis.map { ($0, .frozen) }

    private func count(_ text: String, in worker: LiveWorkerProcess) -> Int {
        worker.logged.components(separatedBy: text).count - 1
    }

    /// Sends twelve tasks, of which the first four are held until the gate is open.
    private func send(at site: ResultStoreSite) async throws -> [AsyncResult<String>] {
        let gate = site.folder.path + "/gate"
        let sent = try await site.app.send((10..<22).map { MatrixTasks.held(site.path, "\($0)", gate) })
        await until { recorded(site.path + ".begun").count == 4 }
        return sent
    }

    private func letGo(at site: ResultStoreSite) {
        #expect(FileManager.default.createFile(atPath: site.folder.path + "/gate", contents: nil))
    }

    @Test(
        "A store goes away while tasks run, and comes back", .timeLimit(.minutes(5)),
        arguments: ResultStoreSite.Kind.onRabbitMQ, ResultStoreSite.Trouble.allCases)
    func comesBack(_ kind: ResultStoreSite.Kind, _ trouble: ResultStoreSite.Trouble) async throws {
        let site = try await ResultStoreSite(kind)
        let worker = try await site.startWorker("first")
        let sent = try await send(at: site)
        await site.harm(trouble)
        letGo(at: site)
        await until { recorded(site.path).count >= 4 && count(Self.lost, in: worker) == 1 }
        try await until {
            let (waiting, unsettled) = try await site.messages()
            return waiting + unsettled == 12 && unsettled >= 8
        }
        if kind.dialect == .celery {
            let stats = try await stats(of: worker, at: site)
            #expect((stats?["result_store_outage"]?.doubleValue ?? 0) >= 3)
            let waiting = stats?["waiting_outcomes"]?.objectValue?.values.compactMap(\.intValue) ?? []
            #expect(waiting.reduce(0, +) >= 4)
        }
        try await site.heal(trouble)
        for (number, result) in sent.enumerated() {
            #expect(try await result.get(timeout: .seconds(60)) == "\(number + 10)")
        }
        try await until { try await site.messages() == (0, 0) }
        await until { count(Self.back, in: worker) == 1 }
        if kind.dialect == .celery {
            let stats = try await stats(of: worker, at: site)
            #expect(stats != nil && stats?["result_store_outage"] == nil)
        }
        #expect(await worker.stop() == .exited(0), "\(worker.logged)")
        #expect(recorded(site.path).sorted() == (10..<22).map { "\($0) first" })
        #expect(count(Self.lost, in: worker) == 1 && count(Self.back, in: worker) == 1)
        #expect(count(" warning ", in: worker) == 1, "\(worker.logged)")
        await site.close()
    }

    private func stats(of worker: LiveWorkerProcess, at site: ResultStoreSite) async throws -> WireValue? {
        let python = PythonPeer(
            broker: site.server.url, results: try await SharedServers.shared.redisDatabaseURL(), settings: [:])
        let driver = try await python.startDriver()
        let reply = try await driver.ask(
            "inspect",
            ["method": "stats", "args": [], "timeout": 20, "limit": 1, "destination": ["first@live"]])
        await driver.stop()
        return reply["replies"]?["first@live"]
    }

    @Test(
        "A worker whose store is away stops or is killed: its messages come back, and no task is lost",
        .timeLimit(.minutes(5)),
        arguments: endings)
    func workerEnds(_ kind: ResultStoreSite.Kind, _ trouble: ResultStoreSite.Trouble) async throws {
        let site = try await ResultStoreSite(kind)
        let worker = try await site.startWorker("first", stopTimeout: 5)
        let sent = try await send(at: site)
        await site.harm(trouble)
        letGo(at: site)
        await until { count(Self.lost, in: worker) == 1 }
        if trouble == .frozen {
            #expect(await worker.stop() == .exited(0), "\(worker.logged)")
        } else {
            await worker.child.kill()
        }
        try await until { try await site.messages() == (12, 0) }
        try await site.heal(trouble)
        let next = try await site.startWorker("next")
        for (number, result) in sent.enumerated() {
            #expect(try await result.get(timeout: .seconds(60)) == "\(number + 10)")
        }
        try await until { try await site.messages() == (0, 0) }
        #expect(recorded(site.path).filter { $0.hasSuffix("next") }.sorted() == (10..<22).map { "\($0) next" })
        #expect(await next.stop() == .exited(0), "\(next.logged)")
        await site.close()
    }

    @Test(
        "A worker that pauses while its store is away leaves to its neighbour what it has not begun",
        .timeLimit(.minutes(5)), arguments: ResultStoreSite.Kind.all)
    func pause(_ kind: ResultStoreSite.Kind) async throws {
        let site = try await ResultStoreSite(kind)
        let worker = try await site.startWorker("first", pauses: true)
        // The four that run are held, and so is what comes next: only some of it ends before the outage is noticed.
        let gate = site.folder.path + "/gate"
        let slow = site.folder.path + "/slow"
        let first = try await site.app.send([MatrixTasks.held(site.path, "first", gate)])
        _ = try await site.app.send((10..<22).map { MatrixTasks.held(site.path, "\($0)", slow) })
        await until { recorded(site.path + ".begun").count == 4 }
        await site.harm(.frozen)
        letGo(at: site)
        await until { count(Self.lost, in: worker) == 1 }
        // Four run, the outcome of one waits.
        try await until { try await site.messages() == (8, 5) }
        let results = try await SharedServers.shared.redisDatabaseURL()
        #expect(FileManager.default.createFile(atPath: slow, contents: nil))
        let neighbour = try await site.startWorker("next", results: results)
        await until { recorded(site.path).count == 13 }
        try await until { try await site.messages() == (0, 5) }
        #expect(recorded(site.path).count { $0.hasSuffix("next") } == 8)
        #expect(await neighbour.stop() == .exited(0), "\(neighbour.logged)")
        try await site.heal(.frozen)
        #expect(try await first[0].get(timeout: .seconds(60)) == "first")
        try await until { try await site.messages() == (0, 0) }
        // It takes tasks again.
        let last = try await site.app.send([MatrixTasks.held(site.path, "last", "")])
        #expect(try await last[0].get(timeout: .seconds(60)) == "last")
        #expect(await worker.stop() == .exited(0), "\(worker.logged)")
        #expect(count(Self.lost, in: worker) == 1 && count(Self.back, in: worker) == 1)
        await site.close()
    }
}
#endif
