import CeleriacTestKit
import CeleriacWire
import NIOConcurrencyHelpers
import TestSupport
import Testing
import Tracing

@testable import CeleriacCore

private let echo = TaskDefinition<String, String>("echo")
private let ask = TaskDefinition<String, String>("ask")
private let stubborn = TaskDefinition<Int>("stubborn")

@Suite("Spans of tasks", .timeLimit(.minutes(5))) struct TracingTests {
    private let tracer = TraceRecorder()

    private var bench: Bench {
        var sending = ClientConfiguration(defaultQueue: "q")
        sending.tracer = tracer
        return Bench(sending: sending)
    }

    private func worker(at bench: Bench, showsTexts: Bool = true, @TaskHandlerBuilder handlers: () -> [TaskHandler])
        -> TaskWorker
    {
        bench.worker(sends: true) {
            $0.tracer = tracer
            $0.logsErrorTexts = showsTexts
        } handlers: {
            handlers()
        }
    }

    /// The spans of a name, once there are so many.
    private func spans(_ name: String, count: Int = 1) async -> [RecordedSpan] {
        await until { tracer.spans(named: name).count >= count }
        return tracer.spans(named: name)
    }

    @Test("one trace goes through a send, its run and what the handler sends, and the handler is within its span")
    func children() async throws {
        let bench = bench
        let worker = worker(at: bench) {
            ask.handler { context, text in
                try await context.send(echo(text))
                return ServiceContext.current?.traceIdentity?.span ?? ""
            }
            echo.handler { $0 }
        }
        let root = tracer.startSpan("root", context: ServiceContext.topLevel)
        let seen = try await bench.run(worker) {
            let result = try await ServiceContext.withValue(root.context) { try await bench.client.send(ask("x")) }
            let seen = try await result.get()
            _ = await spans("echo")
            return seen
        }
        let (sent, ran) = (await spans("send ask"), await spans("ask"))
        let (sentAgain, ranAgain) = (await spans("send echo"), await spans("echo"))
        try #require(sent.count == 1 && ran.count == 1 && sentAgain.count == 1 && ranAgain.count == 1)
        #expect(sent[0].parent == root.identity && ran[0].parent == sent[0].identity)
        #expect(sentAgain[0].parent == ran[0].identity && ranAgain[0].parent == sentAgain[0].identity)
        #expect(Set(tracer.spans.map(\.identity.trace)) == [root.identity.trace])
        #expect(seen == ran[0].identity.span)
        #expect([sent[0].kind, sentAgain[0].kind] == [.producer, .producer])
        #expect([ran[0].kind, ranAgain[0].kind] == [.consumer, .consumer])
    }

    @Test("a retry is sent from within the run, and its run is that one's grandchild")
    func retries() async throws {
        let bench = bench
        let worker = worker(at: bench) {
            stubborn.handler { context in
                if context.retries == 0 { try context.retry(after: .zero) }
                return context.retries
            }
        }
        // Before the worker begins, so that the spans end in this order.
        let result = try await bench.client.send(stubborn())
        let retries = try await bench.run(worker) { try await result.get() }
        #expect(retries == 1)
        let (sent, ran) = (await spans("send stubborn", count: 2), await spans("stubborn", count: 2))
        try #require(sent.count == 2 && ran.count == 2)
        #expect(sent[0].parent == nil && ran[0].parent == sent[0].identity)
        #expect(sent[1].parent == ran[0].identity && ran[1].parent == sent[1].identity)
    }

    @Test("a failed run has an error, with its text unless that is private", arguments: [true, false])
    func failures(showsTexts: Bool) async throws {
        let bench = bench
        let worker = worker(at: bench, showsTexts: showsTexts) {
            echo.handler { text in throw TaskFailure("ValueError", text) }
        }
        let type = try await bench.run(worker) {
            let result = try await bench.client.send(echo("secret"))
            let error = await #expect(throws: RemoteTaskError.self) { try await result.get() }
            return error?.type
        }
        let ran = await spans("echo")
        #expect(type == "ValueError")
        let message = showsTexts ? "ValueError: secret" : "ValueError"
        #expect(ran.first?.status == SpanStatus(code: .error, message: message))
        #expect(ran.first?.errors == ["ValueError"])
    }

    @Test("the run of a task that was rejected, and fails by that, has an error")
    func rejection() async throws {
        let bench = bench
        let worker = worker(at: bench) { echo.handler { _ in throw Rejection(requeue: false) } }
        let status = try await bench.run(worker) {
            _ = try await bench.client.send(echo("x"))
            return await spans("echo").first?.status
        }
        #expect(status == SpanStatus(code: .error, message: "the task was rejected"))
    }

    @Test("the span of a send that fails has an error")
    func failedSend() async throws {
        var sending = ClientConfiguration(defaultQueue: "q")
        sending.tracer = tracer
        let bench = Bench(sending: sending) { FaultyBroker($0) }
        let broker = try #require(bench.broker as? FaultyBroker)
        broker.refusePublishes(with: CeleriacError(.publishFailed, "no"))
        await #expect(throws: CeleriacError.self) { try await bench.client.send(echo("x")) }
        let sent = tracer.spans(named: "send echo")
        #expect(sent.first?.status?.code == .error && sent.first?.errors.count == 1)
    }

    @Test("without a tracer there is nothing: no header, no span, no object for a message")
    func nothing() async throws {
        #expect(TaskTracing() == nil)
        #expect(SendTelemetry(tracer: nil, metrics: nil, stampsTimes: false) == nil)
        let bench = Bench()
        #expect(bench.client.telemetry == nil)
        let worker = bench.worker { echo.handler { $0 } }
        #expect(worker.tracing == nil && worker.telemetry == nil && worker.metrics == nil)
    }
}
