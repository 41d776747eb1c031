import Celeriac
import CeleriacTestKit
import Foundation
import Testing

/// Servers and workers that end in the middle of work: nothing is lost, and nothing runs twice that need not.
@Suite("Interruptions", .serialized)
struct InterruptionTests {
    private static let held = TaskName<String, String, String, Void>("tasks.held")
    private static let block = TaskName<String, String, Double, String>("tasks.block")

    @Test(
        "A server restarts with 100 calls in flight and a task running", .timeLimit(.minutes(5)),
        arguments: BrokerSite.Kind.all)
    func serverRestarts(_ kind: BrokerSite.Kind) async throws {
        let site = try await BrokerSite(kind)
        let app = site.app
        let (path, gate) = (site.folder.path + "/running", site.folder.path + "/gate")
        let worker = app.worker(
            WorkerConfiguration(queues: ["celery"], concurrency: 4, prefetchMultiplier: 4)
        ) {
            TaskName<Int, Int, Int>("tasks.add").handled { $0 + $1 }
            MatrixTasks.slow.handled { seconds in
                try await Task.sleep(for: .seconds(seconds))
                return seconds
            }
            Self.held.handled { path, text, gate in
                try append("\(text) begins", to: path)
                try await until { FileManager.default.fileExists(atPath: gate) }
                try append("\(text) ends", to: path)
            }
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            await worker.ready()
            let running = try await app.send(Self.held(path, "long", gate))
            try await until { recorded(path) == ["long begins"] }
            async let runningEnd = outcome { try await running.get(timeout: .seconds(120)) }
            let calls = try await app.send((0..<100).map { MatrixTasks.slow(0.2 + Double($0) / 1000) })
            let ends = try await withThrowingTaskGroup(of: Outcome.self) { calling in
                for call in calls {
                    calling.addTask { await outcome { try await call.get(timeout: .seconds(120)) } }
                }
                // Some have been answered, most have not.
                _ = try await calls[3].get(timeout: .seconds(60))
                try await site.restart()
                return try await calling.reduce(into: []) { $0.append($1) }
            }
            #expect(ends.count == 100)
            for end in ends { #expect(end.isTyped, "a call ended with \(end)") }
            // What Redis had taken it remembers. A result by rpc that is on its way during the restart may be lost.
            let answered = ends.count { $0 == .answered }
            #expect(kind == .rabbitMQ ? answered >= 50 : answered == 100, "\(answered) calls were answered")
            // The worker is back by itself, and the task still runs.
            #expect(try await app.send(MatrixTasks.add(2, 3)).get(timeout: .seconds(60)) == 5)
            #expect(!recorded(path).contains("long ends"))
            #expect(FileManager.default.createFile(atPath: gate, contents: nil))
            #expect(await runningEnd == .answered)
            #expect(recorded(path).contains("long ends"))
            try await until { try await site.messages() == (0, 0) }
            worker.stop()
            try await group.waitForAll()
        }
        await site.close()
    }

    @Test(
        "SIGTERM with 4 tasks running and 20 prefetched, beside a Python worker", .timeLimit(.minutes(5)),
        arguments: BrokerSite.Kind.available)
    func gracefulStop(_ kind: BrokerSite.Kind) async throws {
        let site = try await BrokerSite(kind)
        let busy = try await BusyWorker.start(on: site)
        let python = try await site.python.startWorker(pool: .threads, concurrency: 4)
        try await busy.expectNothingEnded()
        busy.process.child.signal(SIGTERM)
        let others = BusyWorker.texts.dropFirst(4).map { "\($0) python" }
        if kind == .redis {
            // What had not begun goes back at once: Python runs it while the four still run here.
            try await until { recorded(busy.path).count == 20 }
            #expect(recorded(busy.path).sorted() == others)
            try await until { try await site.messages() == (0, 4) }
        } else {
            // RabbitMQ may deliver it to the stopping worker once more, which gives it back when it ends.
            try await until { busy.process.logged.contains("worker is stopping") }
        }
        #expect(busy.process.child.status == nil)
        busy.letGo()
        #expect(await busy.process.child.wait() == .exited(0), "\(busy.process.logged)")
        let all = BusyWorker.texts.prefix(4).map { "\($0) swift" } + others
        #expect(recorded(busy.path).sorted() == all)
        #expect(try await site.messages() == (0, 0))
        await python.stop()
        #expect(try await site.messages() == (0, 0))
        #expect(recorded(busy.path).sorted() == all)
        await site.close()
    }

    @Test(
        "SIGKILL with 4 tasks running and 20 prefetched: a Python worker restores them", .timeLimit(.minutes(5)),
        arguments: BrokerSite.Kind.available)
    func crash(_ kind: BrokerSite.Kind) async throws {
        let site = try await BrokerSite(kind, visibilityTimeout: 5)
        let busy = try await BusyWorker.start(on: site)
        let python = try await site.python.startWorker(pool: .threads, concurrency: 4)
        try await busy.expectNothingEnded()
        busy.process.child.signal(SIGKILL)
        #expect(await busy.process.child.wait() == .signalled(SIGKILL))
        #expect(recorded(busy.path).isEmpty)
        busy.letGo()
        try await until { recorded(busy.path).count >= 24 }
        try await until { try await site.messages() == (0, 0) }
        await python.stop()
        // Those that had begun at Swift too: each ran to its end once, at Python.
        #expect(recorded(busy.path).sorted() == BusyWorker.texts.map { "\($0) python" })
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
}

/// How a call ended.
private enum Outcome: Equatable, Sendable, CustomStringConvertible {
    case answered
    case typedError(String)
    case timeout
    case otherError(String)

    /// Whether it is an answer, or an error that says more than that no answer came.
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
