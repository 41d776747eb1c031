import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Testing

/// Handlers that a test calls without a message.
@Suite("Handlers that a test calls", .timeLimit(.minutes(5)))
struct HandlerCallTests {
    private struct Shop: Sendable {
        let name: String
    }
    private enum Tenant {
        @TaskLocal static var current = ""
    }
    private struct Tenants: TaskMiddleware {
        func run(
            _ context: TaskContext, next: @escaping @Sendable () async throws -> WireValue
        ) async throws -> WireValue {
            let tenant = context.request.headers["tenant"]?.stringValue ?? "none"
            return try await Tenant.$current.withValue(tenant, operation: next)
        }
    }
    private static let greet = TaskDefinition<String, String>("shop.greet", parameters: "name")
    private static let mail = TaskDefinition<String, Void>("shop.mail")
    private static let resize = TaskDefinition<Int, Int>("shop.resize")

    private func worker(of celery: TestCelery) -> TaskWorker {
        var settings = WorkerConfiguration(queues: ["celery"])
        settings.share(Shop(name: "corner"))
        settings.hooks.middleware = [Tenants()]
        return celery.worker(settings) {
            Self.greet.handler { context, name in
                try await context.update(state: TaskState(rawValue: "GREETING"), value: name)
                try await context.send(Self.mail(name))
                let shop = try context.shared(Shop.self)
                return "\(name) at \(shop.name) of \(Tenant.current)"
            }
            Self.resize.handler { context, width in
                switch width {
                case ..<0: throw TaskFailure("ValueError", "too narrow")
                case 0: try context.replace(with: Self.resize(1))
                default: break
                }
                if context.retries < 2 { try context.retry(after: .seconds(width)) }
                return context.retries
            }
        }
    }

    @Test("they have a context with what the worker shares, binds and sends; their states are kept")
    func context() async throws {
        let celery = TestCelery()
        let run = try await worker(of: celery).call(Self.greet.keywords("Ann")) { $0.headers["tenant"] = "blue" }
        #expect(try run.get() == "Ann at corner of blue")
        #expect(run.states.map(\.state.rawValue) == ["GREETING"])
        #expect(run.states.map(\.value) == ["Ann"])
        #expect(try celery.hasSent(Self.mail("Ann")))
        // The task itself was not sent.
        #expect(celery.sent.map(\.name) == ["shop.mail"])
        await celery.app.close()
    }

    @Test("they end by a result, a retry, another task in their place, or an error")
    func ends() async throws {
        let celery = TestCelery()
        let worker = worker(of: celery)
        #expect(try await worker.call(Self.resize(5), retries: 2).get() == 2)
        guard case .retried(let delay, _) = try await worker.call(Self.resize(5)).end else {
            Issue.record("there is no retry")
            return
        }
        #expect(delay == .seconds(5))
        guard case .replaced(let task) = try await worker.call(Self.resize(0)).end else {
            Issue.record("nothing is replaced")
            return
        }
        #expect(task == "shop.resize")
        let failed = try await worker.call(Self.resize(-1))
        let failure = #expect(throws: TaskFailure.self) { try failed.get() }
        #expect(failure?.type == "ValueError")
        // Without a handler it is the task system's error.
        let unknown = try await worker.call(Self.mail("Ann"))
        #expect(throws: TaskFailure.self) { try unknown.get() }
        await celery.app.close()
    }
}
