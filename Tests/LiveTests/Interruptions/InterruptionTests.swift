import Celeriac
import CeleriacTestKit
import Foundation
import NIOPosix
import Testing

#if Redis
import CeleriacRedis
#endif

/// Tests servers and workers that end in the middle of work: nothing is lost, and nothing runs twice without need.
@Suite("Interruptions", .serialized)
struct InterruptionTests {
    private static let add = TaskDefinition<Int, Int, Int>("tasks.add")
    private static let block = TaskDefinition<String, String, Double, String>("tasks.block")

    @Test(
        "A server restarts with 100 calls in flight and a task running", .timeLimit(.minutes(5)),
        arguments: InterruptedSite.all)
    func serverRestarts(_ kind: InterruptedSite) async throws {
        try await serverRestarts(at: kind.site())
    }

    private func serverRestarts(at site: some LiveSite) async throws {
        let app = site.app
        try await site.withWorker {
            let (path, gate) = (site.folder.path + "/running", site.folder.path + "/gate")
            let running = try await app.send(MatrixTasks.held(path, "long", gate))
            await until { recorded(path + ".begun") == ["long swift"] }
            let calls = try await app.send((0..<100).map { MatrixTasks.slow(0.2 + Double($0) / 1000) })
            let ends = try await withThrowingTaskGroup(of: Outcome.self) { calling in
                for call in calls {
                    calling.addTask { await outcome { try await call.get(timeout: .seconds(120)) } }
                }
                // Some calls have been answered, most have not.
                _ = try await calls[3].get(timeout: .seconds(60))
                try await site.restart()
                return try await calling.reduce(into: []) { $0.append($1) }
            }
            #expect(ends.count == 100)
            for end in ends { #expect(end.isTyped, "a call ended with \(end)") }
            // A result sent over rpc may be lost if it is in flight during the restart.
            let answered = ends.count { $0 == .answered }
            #expect(site.keepsResults ? answered == 100 : answered >= 50, "\(answered) calls were answered")
            // The worker recovers by itself, and the running task continues.
            #expect(try await app.send(Self.add(2, 3)).get(timeout: .seconds(60)) == 5)
            #expect(recorded(path).isEmpty)
            #expect(FileManager.default.createFile(atPath: gate, contents: nil))
            #expect(try await running.get(timeout: .seconds(120)) == "long")
            #expect(recorded(path).contains("long swift"))
            try await until { try await site.messages() == (0, 0) }
        }
        await site.close()
    }

    #if Redis
    @Test(
        "A frozen worker that waited for a message keeps none from the others", .timeLimit(.minutes(5)),
        arguments: [InterruptedSite.celery(.redis), .machinery(.redis)])
    func frozenWorker(_ kind: InterruptedSite) async throws {
        try await frozenWorker(at: kind.site())
    }

    private func frozenWorker(at site: some LiveSite) async throws {
        let frozen = try await LiveWorkerProcess.start(on: site, name: "frozen")
        // It has served a task, so it waits for the next one.
        let path = site.folder.path + "/recorded"
        _ = try await site.app.send(MatrixTasks.held(path, "first", "")).get(timeout: .seconds(120))
        try await until { try await site.messages() == (0, 0) }
        frozen.child.signal(SIGSTOP)
        // It is the first in Redis's line.
        try await site.withWorker {
            _ = try await site.app.send(MatrixTasks.held(path, "second", "")).get(timeout: .seconds(120))
        }
        #expect(recorded(path) == ["first frozen", "second swift"])
        frozen.child.signal(SIGCONT)
        #expect(await frozen.stop() == .exited(0))
        await site.close()
    }
    #endif

    #if Redis
    @Test(
        "A frozen worker that waited keeps no message from a lone worker of the other kind", .timeLimit(.minutes(5)),
        arguments: [InterruptedSite.celery(.redis), .machinery(.redis)])
    func frozenBesideAnother(_ kind: InterruptedSite) async throws {
        try await frozenBesideAnother(at: kind.site())
    }

    private func frozenBesideAnother(at site: some LiveSite) async throws {
        let frozen = try await LiveWorkerProcess.start(on: site, name: "frozen")
        let path = site.folder.path + "/recorded"
        _ = try await site.app.send(MatrixTasks.held(path, "first", "")).get(timeout: .seconds(120))
        frozen.child.signal(SIGSTOP)
        let stopOther = try await site.startOtherWorker()
        for number in 0..<5 {
            _ = try await site.app.send(MatrixTasks.held(path, "\(number)", "")).get(timeout: .seconds(120))
        }
        await stopOther()
        #expect(recorded(path) == ["first frozen"] + (0..<5).map { "\($0) \(site.otherWorker)" })
        await frozen.child.kill()
        await site.close()
    }

    @Test(
        "A worker is frozen with 4 tasks running and more prefetched: another gets them when the claims expire",
        .timeLimit(.minutes(5)), arguments: [InterruptedSite.celery(.redis), .machinery(.redis)])
    func frozenAtWork(_ kind: InterruptedSite) async throws {
        try await frozenAtWork(at: kind.site(visibilityTimeout: 5))
    }

    private func frozenAtWork(at site: some LiveSite) async throws {
        let busy = try await BusyWorker.start(on: site)
        busy.process.child.signal(SIGSTOP)
        let stopOther = try await site.startOtherWorker()
        busy.letGo()
        await until { recorded(busy.path).count >= busy.texts.count }
        try await until { try await site.messages() == (0, 0) }
        await stopOther()
        #expect(recorded(busy.path).sorted() == busy.texts.map { "\($0) \(site.otherWorker)" })
        await busy.process.child.kill()
        await site.close()
    }
    #endif

    @Test(
        "SIGTERM with 4 tasks running and more prefetched, next to another worker", .timeLimit(.minutes(5)),
        arguments: InterruptedSite.available)
    func gracefulStop(_ kind: InterruptedSite) async throws {
        try await gracefulStop(at: kind.site())
    }

    private func gracefulStop(at site: some LiveSite) async throws {
        let busy = try await BusyWorker.start(on: site)
        let stopOther = try await site.startOtherWorker()
        try await busy.expectNothingEnded()
        busy.process.child.signal(SIGTERM)
        // Tasks that have not started are returned immediately: others run them while the four are still running here.
        let others = busy.texts.dropFirst(4).map { "\($0) \(site.otherWorker)" }
        await until { recorded(busy.path).count >= others.count }
        try await until { try await site.messages() == (0, 4) }
        #expect(recorded(busy.path).sorted() == others)
        #expect(busy.process.child.status == nil)
        busy.letGo()
        #expect(await busy.process.child.wait() == .exited(0), "\(busy.process.logged)")
        // Each task ran exactly once.
        #expect(recorded(busy.path).sorted() == busy.held + others)
        #expect(try await site.messages() == (0, 0))
        await stopOther()
        #expect(try await site.messages() == (0, 0))
        #expect(recorded(busy.path).sorted() == busy.held + others)
        await site.close()
    }

    @Test(
        "SIGKILL with 4 tasks running and more prefetched: another worker restores them", .timeLimit(.minutes(5)),
        arguments: InterruptedSite.available)
    func crash(_ kind: InterruptedSite) async throws {
        try await crash(at: kind.site(visibilityTimeout: 5))
    }

    private func crash(at site: some LiveSite) async throws {
        let busy = try await BusyWorker.start(on: site)
        let stopOther = try await site.startOtherWorker()
        try await busy.expectNothingEnded()
        busy.process.child.signal(SIGKILL)
        #expect(await busy.process.child.wait() == .signalled(SIGKILL))
        #expect(recorded(busy.path).isEmpty)
        busy.letGo()
        await until { recorded(busy.path).count >= busy.texts.count }
        try await until { try await site.messages() == (0, 0) }
        await stopOther()
        // This includes the tasks that had started here: each ran to completion once, on the other worker.
        #expect(recorded(busy.path).sorted() == busy.texts.map { "\($0) \(site.otherWorker)" })
        #expect(try await site.messages() == (0, 0))
        await site.close()
    }

    #if Redis
    @Test(
        "Handlers block all threads for 10 s, the visibility timeout is 2 s, and Python restores what expires",
        .timeLimit(.minutes(5)))
    func blockedThreads() async throws {
        let site = try await BrokerSite(.redis, visibilityTimeout: 2)
        let path = site.folder.path + "/blocked"
        let worker = try await LiveWorkerProcess.start(on: site, concurrency: 4, prefetchMultiplier: 1)
        let sent = try await site.app.send((0..<3).map { Self.block(path, "\($0)", 10) })
        try await until { try await site.messages() == (0, 3) }
        // Python has no task of that name, so a task restored in error would fail as unregistered.
        let python = try await site.python.startWorker(pool: .solo, concurrency: 1)
        for result in sent { _ = try await result.get(timeout: .seconds(120)) }
        #expect(recorded(path).sorted() == ["0", "1", "2"])
        #expect(await worker.stop() == .exited(0), "\(worker.logged)")
        #expect(try await site.messages() == (0, 0))
        #expect(recorded(path).sorted() == ["0", "1", "2"])
        #expect(!python.log.contains("tasks.block"))
        await python.stop()
        await site.close()
    }
    #endif

    #if Redis
    @Test("The messages of a killed Machinery worker count as tried when they begin again", .timeLimit(.minutes(5)))
    func attempts() async throws {
        let site = try await MachinerySite(.redis, visibilityTimeout: 1)
        let busy = try await BusyWorker.start(on: site)
        busy.process.child.signal(SIGKILL)
        #expect(await busy.process.child.wait() == .signalled(SIGKILL))
        let redis = RedisClient(
            try RedisConfiguration(url: site.broker), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: MachineryBench.logger)
        let attempts = RedisCommand("HVALS", "machinery_tasks.celeriac.attempts")
        #expect(try await redis.send(attempts).array?.isEmpty == true)
        let next = try await LiveWorkerProcess.start(on: site, name: "next")
        // The gate holds what begins again, so that its attempts can be observed. What waits behind it has none.
        try await until { try await redis.send(attempts).array?.compactMap(\.string).contains("1") == true }
        #expect(Set(try await redis.send(attempts).array?.compactMap(\.string) ?? []).isSubset(of: ["0", "1"]))
        busy.letGo()
        try await until { try await site.messages() == (0, 0) }
        #expect(recorded(busy.path).sorted() == busy.texts.map { "\($0) next" })
        #expect(try await redis.send(attempts).array?.isEmpty == true)
        #expect(await next.stop() == .exited(0), "\(next.logged)")
        await redis.close()
        await site.close()
    }
    #endif
}

/// The outcome of a call.
private enum Outcome: Equatable, Sendable, CustomStringConvertible {
    case answered
    case typedError(String)
    case timeout
    case otherError(String)

    /// Whether this is an answer, or an error that says more than that there was no answer.
    var isTyped: Bool {
        switch self {
        case .answered, .typedError: true
        case .timeout, .otherError: false
        }
    }

    var description: String {
        switch self {
        case .answered: "an answer"
        case .timeout: "nothing in time"
        case .typedError(let text), .otherError(let text): text
        }
    }
}

private func outcome<Value: Sendable>(_ call: @Sendable () async throws -> Value) async -> Outcome {
    do {
        _ = try await call()
        return .answered
    } catch let error as CeleriacError where error.code == .timeout {
        return .timeout
    } catch let error as CeleriacError {
        return .typedError("\(error)")
    } catch let error as RemoteTaskError {
        return .typedError("\(error)")
    } catch {
        return .otherError(String(reflecting: error))
    }
}
