import CeleriacTestKit
import CeleriacWire
import NIOConcurrencyHelpers
import Testing

@testable import CeleriacCore

private let echo = TaskDefinition<String, String>("echo")
private let ask = TaskDefinition<String, String>("ask")

/// What passes through a middleware, in order.
private final class Notes: Sendable {
    private let noted = NIOLockedValueBox<[String]>([])
    var all: [String] { noted.withLockedValue { $0 } }

    func add(_ text: String) { noted.withLockedValue { $0.append(text) } }
}

/// Notes what passes through it, marks the headers of what is sent with its name, and binds the mark of what runs.
private struct Marking: TaskMiddleware {
    @TaskLocal static var mark = "none"
    let name: String
    let notes: Notes

    func send(_ tasks: [SentTask], next: @escaping @Sendable ([SentTask]) async throws -> Void) async throws {
        let (names, sender) = (tasks.map(\.name).joined(separator: ","), tasks.first?.parent?.name ?? "nobody")
        notes.add("\(name) sends \(names) by \(sender)")
        var tasks = tasks
        for index in tasks.indices {
            let before = tasks[index].options.headers["mark"]?.stringValue ?? "\(Self.mark) "
            tasks[index].options.headers["mark"] = .string(before + name)
        }
        try await next(tasks)
        notes.add("\(name) has sent")
    }

    func run(_ context: TaskContext, next: @escaping @Sendable () async throws -> WireValue) async throws -> WireValue {
        notes.add("\(name) runs \(context.request.name)")
        defer { notes.add("\(name) has run") }
        return try await Self.$mark.withValue("\(Self.mark)/\(name)") { try await next() }
    }
}

/// Runs a closure in place of a send, or of a run.
private struct Instead: TaskMiddleware {
    var sending: (@Sendable ([SentTask], @Sendable ([SentTask]) async throws -> Void) async throws -> Void)?
    var running: (@Sendable (@Sendable () async throws -> WireValue) async throws -> WireValue)?

    func send(_ tasks: [SentTask], next: @escaping @Sendable ([SentTask]) async throws -> Void) async throws {
        if let sending { try await sending(tasks, next) } else { try await next(tasks) }
    }

    func run(_ context: TaskContext, next: @escaping @Sendable () async throws -> WireValue) async throws -> WireValue {
        if let running { try await running(next) } else { try await next() }
    }
}

@Suite("Middleware", .timeLimit(.minutes(5))) struct MiddlewareTests {
    private func bench(_ middleware: [any TaskMiddleware]) -> Bench {
        var sending = ClientConfiguration(defaultQueue: "q")
        sending.middleware = middleware
        return Bench(sending: sending)
    }

    @Test("the first is outermost, around a send and around a run, and may change headers")
    func order() async throws {
        let notes = Notes()
        let middleware: [any TaskMiddleware] = [
            Marking(name: "a", notes: notes), Marking(name: "b", notes: notes),
        ]
        let bench = bench(middleware)
        let worker = bench.worker {
            $0.hooks.middleware = middleware
        } handlers: {
            echo.handler { context, text in
                notes.add("handler")
                return "\(text) \(context.request.headers["mark"]?.stringValue ?? "") \(Marking.mark)"
            }
        }
        let result = try await bench.client.send(echo("x"))
        #expect(notes.all == ["a sends echo by nobody", "b sends echo by nobody", "b has sent", "a has sent"])
        let value = try await bench.run(worker) { try await result.get() }
        #expect(value == "x none ab none/a/b")
        #expect(
            Array(notes.all.dropFirst(4)) == ["a runs echo", "b runs echo", "handler", "b has run", "a has run"])
    }

    @Test("what one binds to a task-local value around a run reaches what the handler sends")
    func taskLocals() async throws {
        let notes = Notes()
        let middleware = [Marking(name: "a", notes: notes)]
        let bench = bench(middleware)
        let marks = Notes()
        let worker = bench.worker(concurrency: 1, sends: true) {
            $0.hooks.middleware = middleware
        } handlers: {
            ask.handler { context, text in
                try await context.send(echo(text))
                return Marking.mark
            }
            echo.handler { context, text in
                marks.add(context.request.headers["mark"]?.stringValue ?? "")
                return text
            }
        }
        let value = try await bench.run(worker) {
            let value = try await bench.client.send(ask("x")).get()
            await until { marks.all.count == 1 }
            return value
        }
        #expect(value == "none/a" && marks.all == ["none/a a"])
        #expect(notes.all.contains("a sends echo by ask"))
    }

    @Test("one that does not send, or sends something else, is told so, and its error is the sender's")
    func misuse() async throws {
        struct Refused: Error {}
        let silent = bench([Instead(sending: { _, _ in })])
        let error = await #expect(throws: CeleriacError.self) { try await silent.client.send(echo("x")) }
        #expect(error?.code == .configuration)
        let greedy = bench([Instead(sending: { tasks, next in try await next(tasks + tasks) })])
        await #expect(throws: CeleriacError.self) { try await greedy.client.send(echo("x")) }
        let refusing = bench([Instead(sending: { _, _ in throw Refused() })])
        await #expect(throws: Refused.self) { try await refusing.client.send(echo("x")) }
        for bench in [silent, greedy, refusing] { #expect(bench.memory.count(in: "q") == 0) }
    }

    @Test("an option that one sets holds, but the id stays as it was")
    func options() async throws {
        let bench = bench([
            Instead(sending: { tasks, next in
                var tasks = tasks
                tasks[0].options.queue = "elsewhere"
                tasks[0].options.taskID = "other"
                try await next(tasks)
            })
        ])
        let result = try await bench.client.send(echo("x"))
        #expect(bench.memory.count(in: "elsewhere") == 1 && bench.memory.count(in: "q") == 0 && result.id != "other")
    }

    @Test("its error is the task's, what it returns is the result, and retries pass through it")
    func runs() async throws {
        func submitted(
            _ running: @escaping @Sendable (@Sendable () async throws -> WireValue) async throws -> WireValue,
            _ handler: @escaping @Sendable (TaskContext) async throws -> WireValue
        ) async throws -> [String] {
            var configuration = WorkerConfiguration(queues: ["q"])
            configuration.hooks.middleware = [Instead(running: running)]
            let parts = Parts(configuration: configuration) { TaskHandler("work", handler: handler) }
            await parts.runner.perform(try parts.job(), in: Slot())
            return parts.submitted
        }
        let failed = try await submitted({ _ in throw TaskFailure("E", "no") }, { _ in 1 })
        #expect(failed == ["1: store FAILURE, acknowledge"])
        let replaced = try await submitted({ _ in 2 }, { _ in throw TaskFailure("E", "no") })
        #expect(replaced == ["1: store SUCCESS, acknowledge"])
        let retried = try await submitted({ next in try await next() }, { try $0.retry() })
        #expect(retried == ["1: publish 1, store RETRY, acknowledge"])
    }
}
