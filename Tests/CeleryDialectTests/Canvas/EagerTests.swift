import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import NIOConcurrencyHelpers
import Testing

private typealias Site = WorkflowSite

/// Celery's `task_always_eager` and its kin.
@Suite("Tasks that run where they are sent", .timeLimit(.minutes(5)))
struct EagerTests {
    private static let nested = TaskDefinition<Int, Int>("tasks.nested")
    private static let stubborn = TaskDefinition<Int>("tasks.stubborn")
    private static let late = Duration.seconds(30)

    /// An application that has made a worker which does not run.
    private func site(change: (inout CeleryConfiguration) -> Void = { _ in }) -> Site {
        let site = Site {
            $0.runsTasksEagerly = true
            change(&$0)
        }
        _ = site.app.worker {
            Site.add.handler { $0 + $1 }
            Site.double.handler { 2 * $0 }
            Site.sum.handler { $0.reduce(0, +) }
            Site.fail.handler { text in throw TaskFailure("ValueError", text) }
            Self.nested.handler { context, number in
                try await context.send(Site.double(number)).get(timeout: Self.late) + 1
            }
            Self.stubborn.handler { context in
                if context.retries < 2 { try context.retry(after: .seconds(3600)) }
                return context.retries
            }
        }
        return site
    }

    @Test("their results go to the sender alone, and their times do not count")
    func results() async throws {
        let site = site()
        let sum = try await site.app.send(Site.add(2, 3), countdown: .seconds(3600))
        #expect(try await sum.status() == .success)
        #expect(try await sum.get(timeout: Self.late) == 5)
        #expect(try await site.app.send(Self.nested(4)).get(timeout: Self.late) == 9)
        #expect(try await site.app.send(Self.stubborn()).get(timeout: Self.late) == 2)
        let ignored = try await site.app.send(Site.double(4), ignoresResult: true)
        #expect(try await ignored.get(timeout: Self.late) == 8)
        #expect(site.broker.count(in: "celery") == 0)
        #expect(try await site.store.fetch([sum.id, ignored.id]) == [nil, nil])
        await site.app.close()
    }

    @Test("workflows run to their end")
    func workflows() async throws {
        let site = site()
        let chained = try await site.app.send(Site.double(1).then(Site.add, 5).then(Site.double))
        #expect(try await chained.get(timeout: Self.late) == 14)
        let parts = try await site.app.send(group((1...3).map { Site.double($0) }))
        #expect(try await parts.get(timeout: Self.late) == [2, 4, 6])
        let joined = try await site.app.send(chord((1...3).map { Site.double($0) }, body: Site.sum))
        #expect(try await joined.get(timeout: Self.late) == 12)
        #expect(site.broker.count(in: "celery") == 0)
        await site.app.close()
    }

    @Test("a failure is the result's, or the send's if that is set")
    func failures() async throws {
        let site = site()
        let failed = try await site.app.send(Site.fail("no"))
        let error = await #expect(throws: RemoteTaskError.self) { try await failed.get(timeout: Self.late) }
        #expect(error?.type == "ValueError" && error?.message == "no")
        await site.app.close()
        let strict = self.site { $0.throwsEagerFailures = true }
        let thrown = await #expect(throws: RemoteTaskError.self) { try await strict.app.send(Site.fail("no")) }
        #expect(thrown?.type == "ValueError")
        #expect(try await strict.app.send(Site.add(2, 3)).get(timeout: Self.late) == 5)
        await strict.app.close()
    }

    @Test("Celery's settings say so")
    func settings() throws {
        func configuration(_ yaml: String) throws -> CeleryConfiguration {
            try CelerySettings(yaml: Array(yaml.utf8)).configuration
        }
        let usual = try configuration("{}")
        #expect(!usual.runsTasksEagerly && !usual.throwsEagerFailures && !usual.storesEagerResults)
        #expect(try configuration("task_always_eager: true").runsTasksEagerly)
        #expect(try configuration("task_eager_propagates: true").throwsEagerFailures)
        #expect(try configuration("task_store_eager_result: true").storesEagerResults)
    }

    @Test("results are stored if that is set, unless nobody wants them")
    func stored() async throws {
        let site = site { $0.storesEagerResults = true }
        let sum = try await site.app.send(Site.add(2, 3))
        let ignored = try await site.app.send(Site.double(4), ignoresResult: true)
        let stored = try await site.store.fetch([sum.id, ignored.id])
        #expect(stored[0] != nil && stored[1] == nil)
        await site.app.close()
    }

    @Test("what has no handler is sent")
    func unknown() async throws {
        let site = site()
        let sent = try await site.app.send(Signature("tasks.elsewhere", arguments: [], returning: Int.self))
        #expect(site.broker.count(in: "celery") == 1)
        #expect(try await sent.status() == .pending)
        await site.app.close()
    }
}
