import Celeriac
import CeleriacTestKit
import Foundation
import NIOPosix
import Testing

#if Redis
import CeleriacRedis
#endif

/// Servers and workers that end in the middle of work: nothing is lost, and nothing runs twice that need not.
@Suite("Interruptions", .serialized)
struct InterruptionTests {
    private static let record = TaskName<String, String, Double, String>("tasks.record")
    private static let add = TaskName<Int, Int, Int>("tasks.add")
    private static let block = TaskName<String, String, Double, String>("tasks.block")

    @Test(
        "A server restarts with 100 calls in flight and a task running", .timeLimit(.minutes(5)),
        arguments: InterruptedSite.available)
    func serverRestarts(_ kind: InterruptedSite) async throws {
        try await serverRestarts(at: kind.site())
    }

    private func serverRestarts(at site: some LiveSite) async throws {
        let app = site.app
        try await site.withWorker {
            let path = site.folder.path + "/running"
            let running = try await app.send(Self.record(path, "long", 8))
            async let runningEnd = outcome { try await running.get(timeout: .seconds(120)) }
            let calls = try await app.send((0..<100).map { MatrixTasks.slow(0.2 + Double($0) / 1000) })
            let ends = try await withThrowingTaskGroup(of: Outcome.self) { calling in
                for call in calls {
                    calling.addTask { await outcome { try await call.get(timeout: .seconds(60)) } }
                }
                // Some have been answered, most have not.
                _ = try await calls[3].get(timeout: .seconds(60))
                try await site.restart()
                return try await calling.reduce(into: []) { $0.append($1) }
            }
            #expect(ends.count == 100)
            for end in ends { #expect(end.isTyped, "a call ended with \(end)") }
            if site.keepsResults { #expect(ends.allSatisfy { $0 == .answered }) }
            // The worker is back by itself.
            #expect(try await app.send(Self.add(2, 3)).get(timeout: .seconds(60)) == 5)
            #expect(await runningEnd.isTyped)
            try await until { recorded(path).count >= 1 }
            try await until { try await site.messages() == (0, 0) }
        }
        await site.close()
    }

    @Test(
        "SIGTERM with 4 tasks running and more prefetched, beside another worker", .timeLimit(.minutes(5)),
        arguments: InterruptedSite.available)
    func gracefulStop(_ kind: InterruptedSite) async throws {
        try await gracefulStop(at: kind.site())
    }

    private func gracefulStop(at site: some LiveSite) async throws {
        let (worker, path) = try await busyWorker(on: site)
        let stopOther = try await site.startOtherWorker()
        #expect(await worker.stop() == .exited(0), "\(worker.logged)")
        try await until { try await site.messages() == (0, 0) }
        // Each ran, and none twice.
        #expect(recorded(path).sorted() == Self.texts)
        await stopOther()
        #expect(try await site.messages() == (0, 0))
        #expect(recorded(path).sorted() == Self.texts)
        await site.close()
    }

    @Test(
        "SIGKILL with 4 tasks running and more prefetched: another worker restores them", .timeLimit(.minutes(5)),
        arguments: InterruptedSite.available)
    func crash(_ kind: InterruptedSite) async throws {
        try await crash(at: kind.site(visibilityTimeout: 3))
    }

    private func crash(at site: some LiveSite) async throws {
        let (worker, path) = try await busyWorker(on: site)
        let stopOther = try await site.startOtherWorker()
        worker.child.signal(SIGKILL)
        #expect(await worker.child.wait() == .signalled(SIGKILL))
        try await until { Set(recorded(path)).count == 24 }
        #expect(Set(recorded(path)).sorted() == Self.texts)
        try await until { try await site.messages() == (0, 0) }
        await stopOther()
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
        // It has no task of that name: what it restored in error it would fail as unregistered.
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
    @Test("What a killed Machinery worker held comes back as one attempt more", .timeLimit(.minutes(5)))
    func attempts() async throws {
        let site = try await MachinerySite(.redis, visibilityTimeout: 1)
        let (worker, path) = try await busyWorker(on: site)
        worker.child.signal(SIGKILL)
        #expect(await worker.child.wait() == .signalled(SIGKILL))
        let redis = RedisClient(
            try RedisConfiguration(url: site.broker), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: MachineryBench.logger)
        let attempts = RedisCommand("HVALS", "machinery_tasks.celeriac.attempts")
        #expect(try await redis.send(attempts).array?.isEmpty == true)
        let next = try await LiveWorkerProcess.start(on: site)
        // The four that had begun take eight seconds again, so that their attempts are there to be seen.
        try await until { try await redis.send(attempts).array?.isEmpty == false }
        #expect(Set(try await redis.send(attempts).array?.compactMap(\.string) ?? []) == ["1"])
        try await until { Set(recorded(path)).count == 24 }
        try await until { try await site.messages() == (0, 0) }
        #expect(recorded(path).sorted() == Self.texts)
        #expect(try await redis.send(attempts).array?.isEmpty == true)
        #expect(await next.stop() == .exited(0), "\(next.logged)")
        await redis.close()
        await site.close()
    }
    #endif

    private static let texts = (10..<34).map { "\($0)" }

    /// A worker process that runs 4 of 24 tasks and holds as many more as it does.
    private func busyWorker(on site: some LiveSite) async throws -> (LiveWorkerProcess, path: String) {
        let path = site.folder.path + "/recorded"
        let worker = try await LiveWorkerProcess.start(on: site)
        // The first four take long enough for another worker to start while they run.
        try await site.app.send(
            Self.texts.enumerated().map { Self.record(path, $1, $0 < 4 ? 8 : 0.05) },
            options: SendOptions(ignoresResult: true))
        try await until { try await site.messages() == (24 - site.window, site.window) }
        return (worker, path)
    }
}

/// How a call ended.
private enum Outcome: Equatable, Sendable, CustomStringConvertible {
    case answered
    case typedError(String)
    case otherError(String)

    var isTyped: Bool { if case .otherError = self { false } else { true } }

    var description: String {
        switch self {
        case .answered: "an answer"
        case .typedError(let text), .otherError(let text): text
        }
    }
}

private func outcome<Value: Sendable>(_ call: @Sendable () async throws -> Value) async -> Outcome {
    do {
        _ = try await call()
        return .answered
    } catch let error as CeleriacError {
        return .typedError("\(error)")
    } catch let error as RemoteTaskError {
        return .typedError("\(error)")
    } catch {
        return .otherError(String(reflecting: error))
    }
}
