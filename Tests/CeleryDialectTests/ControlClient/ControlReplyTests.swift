import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import FoundationEssentials
import Testing

@testable import CeleryDialect

@Suite("Replies of remote control", .timeLimit(.minutes(5)))
struct ControlReplyTests {
    @Test("Names from which several replies come are told, each once")
    func sharedNames() {
        let replies = ["b@h", "a@h", "b@h", "c@h", "a@h", "b@h"].map { name in
            CeleryControlReply(nodeName: name, value: ["ok": "pong"], ticket: nil, clock: 1)
        }
        #expect(replies.sharedNames == ["a@h", "b@h"])
        #expect(Array(replies.prefix(2)).sharedNames.isEmpty)
    }

    @Test("are read as Celery's workers give them")
    func reading() async throws {
        let workers = FakeWorkers { request in
            let reply = CeleryControlReply(
                nodeName: "w1@h", value: try Self.captured(request.method), ticket: request.ticket, clock: 1)
            return [.success(try reply.encode())]
        }
        let control = workers.control()(limit: 1)
        func one<Value>(_ replies: [ControlReply<Value>]) throws -> Value {
            #expect(replies.map(\.node) == ["w1@h"])
            return try #require(replies.first).get()
        }
        #expect(try one(await control.ping()) == "pong")
        let active = try one(await control.active())
        #expect(active.allSatisfy { $0.name == "capapp.sleepy" && $0.state == "active" })
        #expect(active.first?.arguments == [4] && active.first?.keywordArguments == [:])
        #expect(active.first?.startTime?.timeIntervalSince1970 == 1795403892.1303384)
        #expect(active.first?.isAcknowledged == true && active.first?.isRedelivered == false)
        #expect(active.first?.routingKey == "celery" && active.first?.exchange == "" && active.first?.priority == 0)
        #expect(active.first?.processID != nil && active.first?.eta == nil)
        let reserved = try one(await control.reserved())
        #expect(reserved.map(\.state) == ["reserved"] && reserved.first?.startTime == nil)
        let scheduled = try one(await control.scheduled())
        #expect(scheduled.map(\.id) == ["e1e1e1e1-0000-4000-8000-000000000000"] && scheduled[0].state == "scheduled")
        #expect(scheduled[0].eta == CeleryTime.date("2026-11-23T03:18:42.217758+00:00"))
        let queried = try one(await control.queryTask(["x"]))
        #expect(queried.contains { $0.state == "scheduled" && $0.name == "capapp.add" })
        #expect(try one(await control.revoked()).count == 3)
        #expect(try one(await control.registered()).contains("capapp.limited [rate_limit=100/s]"))
        #expect(try one(await control.stats())["total"]?["capapp.add"] == 11)
        // Python's workers say nothing of it.
        #expect(try one(await control.readiness()) == [])
        #expect(try one(await control.report()).contains("software -> celery:5.7.0"))
        #expect(try one(await control.conf())["task_protocol"] == 2)
        #expect(try one(await control.activeQueues()).map { $0["name"] } == ["celery"])
        #expect(try one(await control.clock()) == 134)
        #expect(try one(await control.poolGrow(reply: true)) == "pool will grow")
        #expect(try one(await control.enableEvents(reply: true)) == "task events already enabled")

        let refusal = try #require(try await control.autoscale(max: 5, min: 1, reply: true).first)
        let error = #expect(throws: CeleriacError.self) { try refusal.get() }
        #expect(error?.code == .refused && error?.message == "ValueError('Autoscale not enabled')")
    }

    /// The reply of a capture.
    private static func captured(_ method: String) throws -> WireValue {
        let trace = try #require(try Capture.named("w.amqp.control_\(method)")["trace"]?.arrayValue)
        let message = try #require(
            trace.first { $0["method"] == "basic.publish" && $0["args"]?["exchange"] == "reply.celery.pidbox" })
        let body = try #require(message["body"]?.stringValue)
        return try #require(try WireJSON.decode(Array(body.utf8)).objectValue?.values.first)
    }

    @Test("of another shape are an error of the one worker")
    func odd() async throws {
        let odd: [WireValue] = [nil, [], [:], ["ok": 3], "pong", ["no": ["error": "x"]], 1]
        let workers = FakeWorkers(replying: odd.map { ("odd@h", $0) } + [("even@h", ["ok": "pong"])])
        let replies = try await workers.control()(limit: odd.count + 1).ping()
        #expect(replies.count == odd.count + 1)
        for reply in replies.dropLast() {
            #expect { try reply.get() } throws: { ($0 as? CeleriacError)?.code == .resultMismatch }
        }
        #expect(try replies.last?.get() == "pong")
        let lists: [WireValue] = [[1], [["id": "a"]], ["id": "a", "name": "b"], [["a", "b"]], ["error": [1]]]
        let others = FakeWorkers(replying: lists.map { ("odd@h", $0) }).control()(limit: lists.count)
        for reply in try await others.active() { #expect(throws: CeleriacError.self) { try reply.get() } }
        for reply in try await others.scheduled() { #expect(throws: CeleriacError.self) { try reply.get() } }
        for reply in try await others.queryTask([]) { #expect(throws: CeleriacError.self) { try reply.get() } }
        for reply in try await others.revoked() { #expect(throws: CeleriacError.self) { try reply.get() } }
        for reply in try await others.registered() { #expect(throws: CeleriacError.self) { try reply.get() } }
        let refusal = try #require(try await others.activeQueues().last)
        #expect { try refusal.get() } throws: { ($0 as? CeleriacError)?.message == "[1]" }
    }

    @Test("say whether a worker takes tasks, and why not")
    func readiness() async throws {
        let stats: [WireValue] = [
            ["readiness": ["ready": true, "reasons": []]],
            ["readiness": ["ready": false, "reasons": ["the worker is stopping"]]],
            ["readiness": ["ready": false, "reasons": []]], ["pid": 1],
        ]
        let workers = FakeWorkers(replying: stats.map { ("w@h", $0) })
        let replies = try await workers.control()(limit: stats.count).readiness()
        #expect(
            try replies.map { try $0.get() } == [
                [], ["the worker is stopping"], ["it is not ready, and does not say why"], [],
            ])
        #expect(try workers.request().method == "stats")
        let odd: [WireValue] = [
            nil, [], ["readiness": nil], ["readiness": true], ["readiness": ["ready": true]],
            ["readiness": ["ready": 1, "reasons": []]], ["readiness": ["ready": false, "reasons": [1]]],
        ]
        let others = FakeWorkers(replying: odd.map { ("odd@h", $0) }).control()(limit: odd.count)
        for reply in try await others.readiness() { #expect(throws: CeleriacError.self) { try reply.get() } }
    }

    @Test("to others, and those that cannot be read, do no harm")
    func hostile() async throws {
        let workers = FakeWorkers { request in
            func reply(_ node: String, ticket: String?) throws -> WireMessage {
                try CeleryControlReply(nodeName: node, value: ["ok": "pong"], ticket: ticket, clock: .max).encode()
            }
            var pickle = try reply("pickle@h", ticket: request.ticket)
            pickle.properties.contentType = "application/x-python-serialize"
            var half = try reply("half@h", ticket: request.ticket)
            half.body = Array("{\"w@h\": ".utf8)
            return [
                .success(try reply("late@h", ticket: "another")), .failure(MessageFault(reason: "x", detail: "y")),
                .success(WireMessage(body: [])), .success(pickle), .success(half),
                .success(try reply("old@h", ticket: nil)), .success(try reply("a@h", ticket: request.ticket)),
                .success(try reply("a@h", ticket: request.ticket)), .success(try reply("b@h", ticket: request.ticket)),
            ]
        }
        // kombu takes a reply without a ticket, too, and two workers of one name both count.
        let control = workers.control()
        #expect(try await control(limit: 3).ping().map(\.node) == ["old@h", "a@h", "a@h"])
        #expect(control.trouble.sharedNames == ["a@h"] && control.trouble.unreadableCount == 4)
        let reasons = control.trouble.reasons
        #expect(reasons.count == 4 && reasons.contains { $0.contains("Python pickle") }, "\(reasons)")
        // Rounds of the same question do not add up.
        _ = try await control(limit: 3).ping()
        #expect(control.trouble.unreadableCount == 4 && control.trouble.reasons == reasons)
        #expect(try await workers.control()(destination: ["a@h", "a@h"]).ping().map(\.node) == ["old@h"])
    }

    @Test("are waited for until the time is over, from the moment of the request")
    func timeout() async throws {
        let workers = FakeWorkers(replying: [("a@h", ["ok": "pong"])])
        let control = workers.control()(timeout: .seconds(5))
        async let replies = control.ping()
        await until { workers.timers.count == 1 }
        workers.timers.advance(by: .seconds(4.9))
        #expect(workers.timers.count == 1)
        workers.timers.advance(by: .seconds(0.1))
        #expect(try await replies.map(\.node) == ["a@h"])
        // Nobody is there: that is no error.
        let empty = FakeWorkers()
        async let none = empty.control()(destination: ["nobody@h"]).ping()
        await until { empty.timers.count == 1 }
        empty.timers.advance(by: .seconds(1))
        #expect(try await none.isEmpty)
        // A limit leaves no timer behind.
        #expect(try await workers.control()(limit: 1).ping().count == 1)
        #expect(workers.timers.count == 0)
    }

    @Test("are no longer waited for when the task is cancelled")
    func cancellation() async throws {
        let workers = FakeWorkers()
        let control = workers.control()(timeout: .seconds(1000))
        let waiting = Task { try await control.ping() }
        await until { workers.timers.count == 1 }
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        #expect(workers.timers.count == 0)
    }

    @Test("come into a queue of each call's own, whose name is used again only when it is free")
    func queues() async throws {
        let workers = FakeWorkers()
        let caller = workers.caller()
        let control = CeleryControl(caller)(timeout: .seconds(1))
        async let first = control.ping()
        async let second = control.ping()
        await until { workers.timers.count == 2 }
        workers.timers.advance(by: .seconds(1))
        _ = try await (first, second)
        _ = try await control(limit: 0).ping()
        let keys = workers.broadcasts.map { $0.exchanges.replyKey ?? "" }
        #expect(keys.count == 3 && Set(keys).count == 2)

        let failing = FakeWorkers(failing: CeleriacError(.unavailable, "away"))
        let broken = failing.control()
        for _ in 0..<2 {
            await #expect { try await broken.ping() } throws: { ($0 as? CeleriacError)?.code == .unavailable }
        }
        #expect(Set(failing.broadcasts.map(\.exchanges.inbox)).count == 2)
    }

    @Test("are not asked of anybody by an empty destination, nor of everybody by an empty pattern")
    func addressees() async throws {
        let workers = FakeWorkers()
        #expect(try await workers.control()(destination: []).ping().isEmpty)
        try await workers.control()(destination: []).shutdown()
        for control in [workers.control()(pattern: ""), workers.control()(pattern: "a", matcher: "")] {
            await #expect { try await control.shutdown() } throws: { ($0 as? CeleriacError)?.code == .configuration }
        }
        #expect(workers.broadcasts.isEmpty)
    }

    @Test("cannot come where the transport carries no remote control, which is said")
    func unsupported() async throws {
        let workers = FakeWorkers()
        let caller = ControlCaller(
            configuration: CeleryControlConfiguration(), content: ControlContent(), limits: .default,
            broker: MemoryBroker(), timers: workers.timers, logger: workers.logger)
        await #expect { try await CeleryControl(caller).ping() } throws: {
            ($0 as? CeleriacError)?.code == .unsupported
        }
        let client = TaskClient(
            dialect: CeleryFormats(), broker: workers, store: nil,
            configuration: ClientConfiguration(defaultQueue: "celery"), timers: workers.timers, logger: workers.logger)
        let result = try await client.send(Tasks.add(1, 2))
        await #expect { try await result.revoke() } throws: { ($0 as? CeleriacError)?.code == .unsupported }
    }
}
