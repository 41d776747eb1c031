import Celeriac
import CeleriacCore
import CeleriacTestKit
import Foundation
import Testing

private typealias Site = WorkflowSite

/// An application whose broker, results and time are in the test.
@Suite("An application in a test", .timeLimit(.minutes(5)))
struct TestCeleryTests {
    private static let stubborn = TaskDefinition<Int>("tasks.stubborn")
    private static let limited = TaskDefinition<Int, Int>("tasks.limited")

    @TaskHandlerBuilder private static var handlers: [TaskHandler] {
        Site.add.handler { $0 + $1 }
        Site.double.handler { 2 * $0 }
        Site.sum.handler { $0.reduce(0, +) }
        stubborn.handler { context in
            if context.retries < 2 { try context.retry(after: .seconds(60)) }
            return context.retries
        }
        limited.handler(options: TaskOptions(rateLimit: RateLimit(1, per: .seconds(60)))) { $0 }
    }

    @Test("what is due is done by a drain, and what is not waits until its time has passed")
    func countdown() async throws {
        let celery = TestCelery()
        try await withRunning(celery.worker { Self.handlers }) {
            let now = try await celery.app.send(Site.add(2, 3))
            let later = try await celery.app.send(Site.add(4, 5), countdown: .seconds(3600))
            try await celery.drain()
            #expect(try await now.status() == .success)
            #expect(try await later.status() == .pending)
            try await celery.skip(.seconds(3599))
            #expect(try await later.status() == .pending)
            try await celery.skip(.seconds(1))
            #expect(try await later.get() == 9)
        }
        await celery.app.close()
    }

    @Test("time passes as far as retries, rate limits and chords need")
    func timeSkipping() async throws {
        let celery = TestCelery()
        try await withRunning(celery.worker { Self.handlers }) {
            let begin = celery.time.now
            let stubborn = try await celery.app.send(Self.stubborn())
            let limited = try await celery.app.send((1...3).map { Self.limited($0) })
            let total = try await celery.app.send(chord([Site.add(1, 1), Site.double(4)], body: Site.sum))
            try await celery.drain(within: .seconds(3600))
            #expect(try await stubborn.get() == 2)
            #expect(try await limited.get() == [1, 2, 3])
            #expect(try await total.get() == 10)
            #expect(celery.time.now.timeIntervalSince(begin) >= 120)
            #expect(celery.time.now.timeIntervalSince(begin) < 3600)
        }
        await celery.app.close()
    }

    @Test("what was sent is known by its name and its arguments, retries and callbacks too")
    func sent() async throws {
        let celery = TestCelery()
        try await withRunning(celery.worker { Self.handlers }) {
            _ = try await celery.app.send(Site.add(2, 3).then(Site.double))
            _ = try await celery.app.send(Self.stubborn())
            try await celery.drain(within: .seconds(600))
        }
        #expect(try celery.hasSent(Site.add(2, 3)))
        #expect(try celery.hasSent(Site.double(5)))
        #expect(try !celery.hasSent(Site.add(3, 2)))
        #expect(celery.sent.filter { $0.name == "tasks.stubborn" }.map(\.retries) == [0, 1, 2])
        await celery.app.close()
    }

    @Test("a drain without a running worker says so")
    func noWorker() async throws {
        let celery = TestCelery()
        _ = celery.worker { Self.handlers }
        let error = await #expect(throws: TestKitError.self) { try await celery.drain() }
        #expect(error?.code == .noWorker)
        await celery.app.close()
    }
}
