import CeleriacWire
import CeleryDialect
import CeleryWire
import FoundationEssentials
import TestSupport
import Testing
import Tracing

@testable import CeleriacCore

/// What goes along with messages: trace context and send times.
@Suite("What goes along with messages") struct OutboundTests {
    private let tracer = TraceRecorder()
    private let formats = CeleryFormats()

    private func outbound(stampsTimes: Bool = false) throws -> Outbound {
        try #require(SendTelemetry(tracer: tracer, metrics: nil, stampsTimes: stampsTimes)).sending()
    }

    private func messages(_ submission: Submission, _ outbound: Outbound?) throws -> [WireMessage] {
        var context = EffectBench.context().publication
        context.outbound = outbound
        return try formats.publication(of: submission, in: context).steps.flatMap { step -> [WireMessage] in
            if case .publish(let messages) = step { messages.map(\.message) } else { [] }
        }
    }

    private func task(_ id: String, headers: WireObject = [:]) -> Submission {
        .task(TaskSubmission(id: id, name: "tasks.add", arguments: [1], options: SendOptions(headers: headers)))
    }

    @Test("context and time stand among the headers, beside those of the sender, a span for each message")
    func headers() throws {
        let outbound = try outbound(stampsTimes: true)
        let sent = try messages(.group([task("a", headers: ["x": 1]), task("b")], SubmissionOptions()), outbound)
        try #require(sent.count == 2)
        #expect(sent[0].headers["x"] == 1 && sent[1].headers["x"] == nil)
        for message in sent {
            #expect(message.headers["timestamp_in_ms"] == .int(Int64(EffectBench.now.timeIntervalSince1970) * 1000))
            let decoded = try CeleryTaskMessage.decode(message)
            #expect(decoded.otherHeaders["traceparent"] != nil)
        }
        let contexts = sent.compactMap { $0.headers["traceparent"]?.stringValue }
        #expect(Set(contexts).count == 2 && tracer.spans.isEmpty)
        outbound.end()
        #expect(Set(tracer.spans.map(\.identity.traceparent)) == Set(contexts))
    }

    @Test("only the first task of a chain has a context: the others get theirs when they are published")
    func chains() throws {
        let sent = try messages(.chain([task("a"), task("b")], SubmissionOptions()), try outbound())
        try #require(sent.count == 1)
        let chain = try CeleryTaskMessage.decode(sent[0]).embed.chain?.arrayValue ?? []
        #expect(chain.count == 1 && chain.first?["options"]?["headers"] == nil)
        #expect(sent[0].headers["traceparent"] != nil)
    }

    @Test("a retry has a new context in place of its message's own, and follows from that if the run has none")
    func retries() throws {
        let bench = EffectBench(formats: formats)
        let trace = String(repeating: "a", count: 32)
        let first = try #require(TraceIdentity(traceparent: "00-\(trace)-bbbbbbbbbbbbbbbb-01"))
        let headers: WireObject = ["traceparent": .string(first.traceparent), "tracestate": "v=1", "x": 1]
        let message = try #require(try messages(task("a", headers: headers), nil).first)
        let request = try bench.request(of: message)
        let telemetry = try #require(SendTelemetry(tracer: tracer, metrics: nil, stampsTimes: false))
        var context = EffectBench.context()
        context.publication.outbound = telemetry.following(request, in: nil)
        let effects = try formats.effects(
            of: .retry(eta: EffectBench.now, cause: TaskFailure("E", "no")), for: request, in: context)
        let again = try #require(try effects.messages().first)
        #expect(again.otherHeaders["x"] == 1 && again.otherHeaders["tracestate"] == "v=1")
        let span = try #require(tracer.spans.first)
        #expect(span.parent?.span == first.span && span.identity.trace == trace)
        #expect(again.otherHeaders["traceparent"]?.stringValue == span.identity.traceparent)
    }

    @Test("without anybody who listens a message is as it always was")
    func nothing() throws {
        let message = try #require(try messages(task("a", headers: ["x": 1]), nil).first)
        let headers = try CeleryTaskMessage.decode(message).otherHeaders
        #expect(headers == ["x": 1])
    }
}
