import CeleriacWire
import MachineryWire
import TestSupport
import Testing
import Tracing

import struct FoundationEssentials.Date

@testable import CeleriacCore
@testable import MachineryDialect

/// What goes along with Machinery's messages, and what spans show, as its package `tracing` has it.
@Suite("Spans of Machinery's tasks") struct TellingTests {
    private let tracer = TraceRecorder()
    private let formats = MachineryFormats(defaultRoutingKey: "machinery_tasks")
    private let now = Date(timeIntervalSince1970: 1_800_000_000)

    private func signature(_ name: String, headers: WireObject? = nil) -> MachinerySignature {
        var signature = MachinerySignature(uuid: "task_\(name)", name: name, args: [])
        signature.headers = headers
        return signature
    }

    private func telemetry(stampsTimes: Bool = false) throws -> SendTelemetry {
        try #require(SendTelemetry(tracer: tracer, metrics: nil, stampsTimes: stampsTimes))
    }

    private func sent(_ workflow: MachineryWorkflow, _ outbound: Outbound) throws -> [OutgoingMessage] {
        var context = PublicationContext(
            now: now, replyTo: "", defaultQueue: "", routes: [:], countsChords: true, resultExpiry: nil)
        context.outbound = outbound
        return try formats.publication(of: .native(workflow), in: context).steps.flatMap {
            step -> [OutgoingMessage] in
            if case .publish(let messages) = step { messages } else { [] }
        }
    }

    @Test("context and time are text among the headers of the signature and of the message")
    func headers() throws {
        let outbound = try telemetry(stampsTimes: true).sending()
        let messages = try sent(.signature(signature("add", headers: ["x": "1"])), outbound)
        outbound.end()
        let message = try #require(messages.first).message
        let headers = try #require(try MachinerySignature.decode(message.body).headers)
        let span = try #require(tracer.spans(named: "SendTask").first)
        #expect(headers["x"] == "1" && headers["timestamp_in_ms"] == "1800000000000")
        #expect(headers["traceparent"]?.stringValue == span.identity.traceparent)
        #expect(message.headers["traceparent"] == headers["traceparent"])
        #expect(message.headers["timestamp_in_ms"] == headers["timestamp_in_ms"])
        #expect(span.kind == .producer && span.text("component") == "machinery")
        #expect(span.text("signature.name") == "add" && span.text("signature.uuid") == "task_add")
    }

    /// A task of a Go client with Jaeger's tracer (`jaeger-client-go` 2.30): the text map that Machinery's `HeadersWithSpan` has
    /// it write into has the tracer's own keys in lower case, and values as they are, baggage among them.
    private static let sentByGo =
        #"{"UUID":"task_1","Name":"add","RoutingKey":"machinery_tasks","ETA":null,"GroupUUID":"","GroupTaskCount":0,"#
        + #""Args":[{"Name":"","Type":"int64","Value":1}],"#
        + #""Headers":{"uber-trace-id":"3d1f4ad12e5c4b60:1a2b3c4d5e6f7081:0000000000000000:1","#
        + #""uberctx-tenant":"acme \u0026 sons"},"Priority":0,"Immutable":false,"#
        + #""RetryCount":0,"RetryTimeout":0,"OnSuccess":null,"OnError":null,"ChordCallback":null,"#
        + #""BrokerMessageGroupId":"","SQSReceiptHandle":"","StopTaskDeletionOnError":false,"#
        + #""IgnoreWhenTaskNotRegistered":false}"#

    @Test("a trace goes on that Jaeger's tracer began in Go, and what is sent in it has the header that Go reads")
    func jaeger() throws {
        let jaeger = TraceRecorder(.jaeger)
        let bytes = Array(Self.sentByGo.utf8)
        #expect(try MachinerySignature.decode(bytes).encode() == bytes)
        let request = try formats.request(
            of: WireMessage(body: bytes),
            delivery: Delivery(
                content: .success(WireMessage()), queue: "machinery_tasks", receipt: Receipt(generation: 0, tag: 1)))
        #expect(request.headers["uberctx-tenant"] == "acme & sons")
        let context = try #require(TaskTracing(jaeger)).context(in: request.headers)
        let sender = try #require(context.traceIdentity)
        // Jaeger's ids of traces have half the digits, unless it is told otherwise.
        #expect(sender.trace == "00000000000000003d1f4ad12e5c4b60" && sender.span == "1a2b3c4d5e6f7081")

        let telemetry = try #require(SendTelemetry(tracer: jaeger, metrics: nil, stampsTimes: false))
        let messages = try sent(.signature(signature("next")), telemetry.following(request, in: nil))
        let message = try #require(messages.first).message
        let span = try #require(jaeger.spans(named: "SendTask").first)
        #expect(span.parent == sender)
        let header = "3d1f4ad12e5c4b60:\(span.identity.span):0000000000000000:1"
        let text = String(decoding: message.body, as: UTF8.self)
        #expect(text.contains(#""Headers":{"uber-trace-id":"\#(header)"},"#), "\(text)")
        // Go's broker copies them into the table of the message.
        #expect(message.headers["uber-trace-id"]?.stringValue == header)
    }

    @Test("what follows a task is in its trace")
    func following() throws {
        var first = signature("add")
        first.onSuccess = [signature("next")]
        let request = try formats.request(
            of: WireMessage(body: try first.encode()),
            delivery: Delivery(
                content: .success(WireMessage()), queue: "machinery_tasks", receipt: Receipt(generation: 0, tag: 1)))
        let run = tracer.startSpan("add", context: ServiceContext.topLevel)
        var context = EffectContext(
            nodeName: "w", now: now, storesResult: false, taskOptions: TaskOptions(), resultExpiry: nil,
            publication: PublicationContext(
                now: now, replyTo: "", defaultQueue: "", routes: [:], countsChords: true, resultExpiry: nil))
        context.publication.outbound = try telemetry().following(request, in: run.context)
        let effects = try formats.effects(of: .success(.null), for: request, in: context)
        guard case .publish(let messages)? = effects.first, let message = messages.first?.message else {
            Issue.record("nothing is published")
            return
        }
        let span = try #require(tracer.spans(named: "SendTask").first)
        #expect(span.parent == run.identity)
        let headers = try MachinerySignature.decode(message.body).headers
        #expect(headers?["traceparent"]?.stringValue == span.identity.traceparent)
        #expect(formats.span(ofRun: request, nodeName: "w").name == "add")
    }

    @Test("a middleware sees and changes the headers of every task of a workflow")
    func natives() throws {
        let (chain, group) = (
            MachineryChain([signature("a"), signature("b")]), MachineryGroup([signature("a"), signature("b")])
        )
        let workflows: [(MachineryWorkflow, [String])] = [
            (.signature(signature("a")), ["a"]), (.chain(chain), ["a", "b"]), (.group(group), ["a", "b"]),
            (.chord(MachineryChord(group, callback: signature("c"))), ["a", "b", "c"]),
        ]
        for (workflow, names) in workflows {
            let tasks = workflow.nativeTasks
            #expect(tasks.map(\.name) == names && tasks.map(\.id) == names.map { "task_\($0)" })
            let changed = workflow.with(headers: names.map { ["tenant": .string($0)] })
            #expect(changed.nativeTasks.map { $0.headers["tenant"]?.stringValue ?? "" } == names)
            #expect(changed.nativeTasks.map(\.id) == tasks.map(\.id))
        }
        let same = MachineryWorkflow.group(group).with(headers: [[:], [:]]) as? MachineryWorkflow
        guard case .group(let changed)? = same else {
            Issue.record("another workflow")
            return
        }
        #expect(changed == group)
    }
}
