import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import TestSupport
import Testing
import Tracing

private typealias Site = WorkflowSite

/// One trace goes through everything that follows from a send, by the names and attributes of Python's instrumentation.
@Suite("Traces of workflows", .timeLimit(.minutes(5)))
struct TraceTests {
    private static let late = Duration.seconds(30)
    private static let stubborn = TaskDefinition<Int>("tasks.stubborn")
    private static let nested = TaskDefinition<Int, Int>("tasks.nested")
    private let tracer = TraceRecorder()

    /// Runs `body` in a span `root`, beside a worker. Returns the span's place once so many runs have ended.
    private func trace(runs: Int, _ body: @Sendable (CeleryApp) async throws -> Void) async throws -> TraceIdentity {
        let tracer = tracer
        let site = Site { $0.tracer = tracer }
        let root = tracer.startSpan("root", context: ServiceContext.topLevel)
        let more = [
            Self.stubborn.handler { context in
                if context.retries == 0 { try context.retry(after: .zero) }
                return context.retries
            },
            Self.nested.handler { context, number in
                try await context.send(Site.double(number)).get(timeout: Self.late)
            },
        ]
        try await site.serves(WorkerConfiguration(queues: ["celery"], concurrency: 2), more) {
            try await ServiceContext.withValue(root.context) { try await body(site.app) }
            await until { tracer.spans.count { $0.operationName.hasPrefix("run/tasks.") } >= runs }
        }
        root.end()
        return root.identity
    }

    /// The names of a span and of those that it is within, from the inside out.
    private func lineage(_ span: RecordedSpan?) -> [String] {
        var names: [String] = []
        var next = span
        while let span = next {
            names.append(span.operationName)
            next = span.parent.flatMap { place in tracer.spans.first { $0.identity.span == place.span } }
        }
        return names
    }

    @Test("a chain: each task is sent within the run of the one before")
    func chains() async throws {
        let root = try await trace(runs: 3) { app in
            let value = try await app.send(Site.double(1).then(Site.add, 5).then(Site.double)).get(timeout: Self.late)
            #expect(value == 14)
        }
        #expect(Set(tracer.spans.map(\.identity.trace)) == [root.trace])
        let last = tracer.spans(named: "run/tasks.double").first { lineage($0).count > 3 }
        #expect(
            lineage(last) == [
                "run/tasks.double", "apply_async/tasks.double", "run/tasks.add", "apply_async/tasks.add",
                "run/tasks.double", "apply_async/tasks.double", "root",
            ])
    }

    @Test("a chord, whose body follows the task that found the header complete")
    func chords() async throws {
        let root = try await trace(runs: 3) { app in
            let value = try await app.send(chord([Site.double(1), Site.double(2)], body: Site.sum)).get(
                timeout: Self.late)
            #expect(value == 6)
        }
        #expect(Set(tracer.spans.map(\.identity.trace)) == [root.trace])
        let body = lineage(tracer.spans(named: "run/tasks.sum").first)
        #expect(body.prefix(3) == ["run/tasks.sum", "apply_async/tasks.sum", "run/celery.chord_unlock"])
        #expect(body.last == "root")
    }

    @Test("retries, and tasks that are sent by tasks")
    func retries() async throws {
        let root = try await trace(runs: 4) { app in
            let retries = try await app.send(Self.stubborn()).get(timeout: Self.late)
            let value = try await app.send(Self.nested(4)).get(timeout: Self.late)
            #expect(retries == 1 && value == 8)
        }
        #expect(Set(tracer.spans.map(\.identity.trace)) == [root.trace])
        let runs = tracer.spans(named: "run/tasks.stubborn")
        #expect(
            lineage(runs.first { $0.text("celery.state") == "SUCCESS" }) == [
                "run/tasks.stubborn", "apply_async/tasks.stubborn", "run/tasks.stubborn", "apply_async/tasks.stubborn",
                "root",
            ])
        #expect(
            lineage(tracer.spans(named: "run/tasks.double").first) == [
                "run/tasks.double", "apply_async/tasks.double", "run/tasks.nested", "apply_async/tasks.nested", "root",
            ])
        #expect(Set(runs.map { $0.text("celery.state") ?? "" }) == ["RETRY", "SUCCESS"] && runs.count == 2)
    }

    @Test("spans have the attributes that Python's instrumentation gives them, and no arguments")
    func attributes() async throws {
        _ = try await trace(runs: 2) { app in
            let failed = try await app.send(Site.fail("no"))
            await #expect(throws: RemoteTaskError.self) { try await failed.get(timeout: Self.late) }
            let value = try await app.send(Site.add(1, 2)).get(timeout: Self.late)
            #expect(value == 3)
        }
        let sent = try #require(tracer.spans(named: "apply_async/tasks.add").first)
        let ran = try #require(tracer.spans(named: "run/tasks.add").first)
        #expect(sent.kind == .producer && ran.kind == .consumer)
        #expect(sent.text("celery.action") == "apply_async" && ran.text("celery.action") == "run")
        for span in [sent, ran] {
            #expect(span.text("celery.task_name") == "tasks.add" && span.text("messaging.destination") == "celery")
        }
        #expect(sent.text("messaging.destination_kind") == "queue")
        let id = try #require(ran.text("messaging.message.id"))
        #expect(sent.text("messaging.message.id") == id && ran.text("messaging.conversation_id") == id)
        #expect(ran.text("celery.state") == "SUCCESS" && ran.status == nil)
        let failed = try #require(tracer.spans(named: "run/tasks.fail").first)
        #expect(failed.text("celery.state") == "FAILURE" && failed.status?.code == .error)
        #expect(failed.status?.message == "ValueError: no")
    }
}
