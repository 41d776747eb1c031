import CeleriacCore
import CeleriacWire
import CeleryWire
import Testing

@testable import CeleryDialect

/// Compares what each function sends with what Celery sends for the same, as recorded between it and RabbitMQ.
@Suite("Requests of remote control", .timeLimit(.minutes(5)))
struct ControlRequestTests {
    typealias Call = @Sendable (CeleryControl) async throws -> Void
    private static let id = "aaaaaaaa-0000-4000-8000-00000000000"
    private static let queried = [
        "6ba6017b-06fd-49ca-9cb2-0265bd78a744", "e1e1e1e1-0000-4000-8000-000000000000", "unknown",
    ]
    private static let action: WireValue = [
        "task": "capapp.add", "args": [1, 2], "kwargs": [:],
        "options": ["task_id": "e1ec7ed0-0000-4000-8000-000000000000"], "subtask_type": nil, "immutable": false,
    ]

    /// A function call by the name of the capture.
    private static let calls: [(String, Call)] = [
        ("active", { _ = try await $0.active() }),
        ("active_queues", { _ = try await $0.activeQueues() }),
        ("add_consumer", { try await $0.addConsumer("newq", reply: true) }),
        ("autoscale", { try await $0.autoscale(max: 5, min: 1, reply: true) }),
        ("cancel_consumer", { try await $0.cancelConsumer("newq", reply: true) }),
        ("clock", { _ = try await $0.clock() }),
        ("conf", { _ = try await $0.conf() }),
        ("conf_defaults", { _ = try await $0.conf(withDefaults: true) }),
        ("disable_events", { try await $0.disableEvents(reply: true) }),
        ("election", { try await $0.broadcast("election", ["id": "elect-1", "topic": "task", "action": action]) }),
        ("enable_events", { try await $0.enableEvents(reply: true) }),
        ("heartbeat", { try await $0.heartbeat() }),
        (
            "hello",
            { try await $0.broadcast("hello", ["from_node": "other@host", "revoked": ["dead-beef"]], reply: true) }
        ),
        ("memsample", { try await $0.broadcast("memsample", reply: true) }),
        ("ping", { _ = try await $0.ping() }),
        ("ping_destination", { _ = try await $0(destination: ["w1@caphost"]).ping() }),
        ("ping_pattern", { _ = try await $0(pattern: "w*", limit: 1).ping() }),
        ("pool_grow", { try await $0.poolGrow(reply: true) }),
        ("pool_shrink", { try await $0.poolShrink(reply: true) }),
        ("query_task", { _ = try await $0.queryTask(queried) }),
        ("rate_limit", { try await $0.rateLimit("capapp.limited", RateLimit("50/m"), reply: true) }),
        ("rate_limit_unknown", { try await $0.rateLimit("nope", RateLimit("50/m"), reply: true) }),
        ("registered", { _ = try await $0.registered() }),
        ("registered_attrs", { _ = try await $0.registered(taskInfoItems: ["rate_limit", "max_retries"]) }),
        ("report", { _ = try await $0.report() }),
        ("reserved", { _ = try await $0.reserved() }),
        ("revoke", { try await $0.revoke(id + "0", reply: true) }),
        ("revoke_by_stamped_headers", { try await $0.revokeByStampedHeaders(["customer": "acme"], reply: true) }),
        ("revoke_list", { try await $0.revoke([id + "1", id + "2"], reply: true) }),
        ("revoked", { _ = try await $0.revoked() }),
        ("scheduled", { _ = try await $0.scheduled() }),
        ("shutdown", { try await $0(destination: ["w1@caphost"]).shutdown() }),
        ("stats", { _ = try await $0.stats() }),
        ("terminate", { try await $0.revoke(id + "0", terminate: true, reply: true) }),
        (
            "time_limit",
            { try await $0.timeLimit("capapp.sleepy", soft: .seconds(60), hard: .seconds(120), reply: true) }
        ),
        ("unknown_command", { try await $0.broadcast("no_such_cmd", reply: true) }),
    ]

    @Test("are Celery's, byte for byte", arguments: calls.indices)
    func bytes(_ index: Int) async throws {
        let (name, call) = Self.calls[index]
        let workers = FakeWorkers(replying: [("w1@caphost", .null)])
        // One reply is enough, so that nobody waits for more.
        try await call(workers.control()(limit: 1))
        let sent = try #require(workers.broadcasts.first)
        let captured = try captured(name)
        let arguments = try #require(captured["args"])
        #expect(sent.request.exchange == arguments["exchange"]?.stringValue)
        #expect(sent.request.routingKey == arguments["routing_key"]?.stringValue)

        let properties = try #require(captured["properties"])
        let message = sent.request.message
        #expect(message.properties.contentType == properties["content_type"]?.stringValue)
        #expect(message.properties.contentEncoding == properties["content_encoding"]?.stringValue)
        #expect(message.properties.deliveryMode.map { Int($0) } == properties["delivery_mode"]?.intValue)
        #expect(message.properties.priority.map { Int($0) } == properties["priority"]?.intValue)
        let headers = try #require(properties["application_headers"]?.objectValue)
        #expect(message.headers.keys == headers.keys)
        #expect(message.headers["clock"] == 1)
        #expect(message.headers["expires"] == .double(1_800_000_001))

        var text = try #require(captured["body"]?.stringValue)
        let theirs = try WireJSON.decode(Array(text.utf8))
        let ours = try WireJSON.decode(message.body)
        #expect((theirs["ticket"] == nil) == (sent.exchanges.replyKey == nil))
        if let ticket = theirs["ticket"]?.stringValue, let key = theirs["reply_to"]?["routing_key"]?.stringValue {
            text = text.replacing(ticket, with: try #require(ours["ticket"]?.stringValue))
                .replacing(key, with: try #require(sent.exchanges.replyKey))
            #expect(sent.exchanges.inbox == "\(sent.exchanges.replyKey ?? "").reply.celery.pidbox")
        }
        #expect(String(decoding: message.body, as: UTF8.self) == text)
    }

    /// The request of a capture, as its client published it.
    private func captured(_ name: String) throws -> WireValue {
        let trace = try #require(try Capture.named("w.amqp.control_\(name)")["trace"]?.arrayValue)
        return try #require(
            trace.first { $0["method"] == "basic.publish" && $0["args"]?["exchange"] == "celery.pidbox" })
    }

    @Test("of options beyond the captures are those that Celery's control.py makes")
    func options() async throws {
        let workers = FakeWorkers()
        let control = workers.control()
        let expected: [(Call, String, WireObject)] = [
            (
                { try await $0.poolRestart(modules: ["a"], reload: true) }, "pool_restart",
                ["modules": ["a"], "reload": true, "reloader": nil]
            ),
            ({ try await $0.poolRestart() }, "pool_restart", ["modules": nil, "reload": false, "reloader": nil]),
            (
                {
                    try await $0.addConsumer(
                        "q", exchange: "x", exchangeType: "topic", routingKey: "a.#",
                        options: ["queue_arguments": ["x-max-priority": 3]])
                }, "add_consumer",
                [
                    "queue": "q", "exchange": "x", "exchange_type": "topic", "routing_key": "a.#",
                    "queue_arguments": ["x-max-priority": 3],
                ]
            ),
            ({ try await $0.poolGrow(3) }, "pool_grow", ["n": 3]),
            ({ try await $0.rateLimit("t", nil) }, "rate_limit", ["task_name": "t", "rate_limit": 0]),
            (
                { try await $0.rateLimit("t", RateLimit(90, per: .seconds(60))) }, "rate_limit",
                ["task_name": "t", "rate_limit": 1.5]
            ),
            (
                { try await $0.timeLimit("t", hard: .milliseconds(2500)) }, "time_limit",
                ["task_name": "t", "hard": 2.5, "soft": nil]
            ),
            (
                { try await $0.terminate(["a", "b"], signal: "SIGKILL") }, "revoke",
                ["task_id": ["a", "b"], "terminate": true, "signal": "SIGKILL"]
            ),
        ]
        for (call, method, arguments) in expected {
            try await call(control)
            let request = try workers.request()
            #expect(request.method == method && request.arguments == arguments, "\(method)")
            #expect(request.arguments.keys == arguments.keys)
            #expect(request.ticket == nil && request.replyTo == nil)
        }
        #expect(workers.broadcasts.map(\.request.message.headers["clock"]) == (1...8).map { .int($0) })

        _ = try await control(destination: ["a", "b"], pattern: "x.*", matcher: "pcre", timeout: .zero, limit: 0).ping()
        let request = try workers.request()
        #expect(request.destination == ["a", "b"] && request.pattern == "x.*" && request.matcher == "pcre")
        #expect(request.expires == 0)
    }

    @Test("of handles on results are those of AsyncResult.revoke")
    func revocation() async throws {
        let workers = FakeWorkers()
        let client = TaskClient(
            dialect: CeleryFormats(), broker: workers, store: nil,
            configuration: ClientConfiguration(defaultQueue: "celery"), timers: workers.timers,
            logger: workers.logger, revoker: workers.caller())
        let result = try await client.send(Tasks.add(1, 2))
        try await result.revoke()
        #expect(try workers.request().arguments == ["task_id": .string(result.id), "terminate": false, "signal": nil])
        #expect(try workers.request().expires == 0)
        let sent = try await client.send(group([Tasks.add(1, 2), Tasks.add(3, 4)]))
        try await sent.revoke(terminate: true, signal: "SIGKILL")
        let ids = WireValue.array(sent.results.map { .string($0.id) })
        #expect(try workers.request().arguments == ["task_id": ids, "terminate": true, "signal": "SIGKILL"])
        #expect(workers.broadcasts.count == 2)
    }

    @Test("are written in the form of tasks, under the names of the settings")
    func forms() async throws {
        var configuration = CeleryControlConfiguration(namespace: "mine")
        configuration.queueExpiry = .seconds(7)
        configuration.queueTTL = nil
        configuration.isQueueExclusive = false
        configuration.isQueueDurable = true
        let workers = FakeWorkers { request in
            let reply = CeleryControlReply(nodeName: "a@b", value: ["ok": "pong"], ticket: request.ticket, clock: 1)
            return [.success(try reply.encode(as: .msgpack))]
        }
        let control = workers.control(
            configuration, content: ControlContent(accept: [.msgpack], serializer: .msgpack))
        let replies = try await control(limit: 1).ping()
        #expect(try replies.map { try $0.get() } == ["pong"])
        let sent = try #require(workers.broadcasts.first)
        #expect(sent.request.message.properties.contentType == "application/x-msgpack")
        #expect(sent.request.exchange == "mine.pidbox" && sent.exchanges.replies == "reply.mine.pidbox")
        #expect(sent.exchanges.inboxExpiry == .seconds(7) && sent.exchanges.messageLifetime == nil)
        #expect(!sent.exchanges.isInboxExclusive && sent.exchanges.isInboxDurable)
    }
}
