import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import NIOConcurrencyHelpers
import Testing

private typealias Site = WorkflowSite

/// Sets a header on everything that is sent.
private struct Tenant: TaskMiddleware {
    func send(_ tasks: [SentTask], next: @escaping @Sendable ([SentTask]) async throws -> Void) async throws {
        var tasks = tasks
        for index in tasks.indices { tasks[index].options.headers["tenant"] = .string("t of \(tasks[index].name)") }
        try await next(tasks)
    }
}

@Suite("Middleware of an application", .timeLimit(.minutes(5)))
struct AppMiddlewareTests {
    private static let late = Duration.seconds(30)

    @Test("the headers that one sets reach all tasks of a workflow, and stay through retries")
    func workflows() async throws {
        let seen = NIOLockedValueBox<Set<String>>([])
        let site = Site { $0.middleware = [Tenant()] }
        let names = ["first", "second", "member", "body"]
        let handlers = names.map { name in
            TaskHandler("tasks.\(name)") { context in
                if name == "first", context.retries == 0 { try context.retry(after: .zero) }
                let tenant = context.request.headers["tenant"]?.stringValue ?? "none"
                seen.withLockedValue { _ = $0.insert("\(name) \(tenant)") }
                return .string(name)
            }
        }
        func task(_ name: String) -> Signature<WireValue> { Signature("tasks.\(name)", arguments: []) }
        try await site.serves(WorkerConfiguration(queues: ["celery"], concurrency: 2), handlers) {
            _ = try await site.app.send(chain([task("first"), task("second")])).get(timeout: Self.late)
            _ = try await site.app.send(chord([task("member"), task("member")], body: task("body"))).get(
                timeout: Self.late)
        }
        #expect(seen.withLockedValue { $0 } == Set(names.map { "\($0) t of tasks.\($0)" }))
    }

    @Test("the application's are around those of a worker's own")
    func workers() async throws {
        struct Noting: TaskMiddleware {
            let name: String
            let notes: NIOLockedValueBox<[String]>

            func run(
                _ context: TaskContext, next: @escaping @Sendable () async throws -> WireValue
            ) async throws -> WireValue {
                notes.withLockedValue { $0.append(name) }
                return try await next()
            }
        }
        let notes = NIOLockedValueBox<[String]>([])
        let site = Site { $0.middleware = [Noting(name: "application", notes: notes)] }
        var settings = WorkerConfiguration(queues: ["celery"])
        settings.hooks.middleware = [Noting(name: "worker", notes: notes)]
        try await site.serves(settings) {
            let value = try await site.app.send(Site.add(1, 2)).get(timeout: Self.late)
            #expect(value == 3)
        }
        #expect(notes.withLockedValue { $0 } == ["application", "worker"])
    }
}
