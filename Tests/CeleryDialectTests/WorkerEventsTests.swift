import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import Testing

@testable import CeleryDialect

private let work = TaskDefinition<String, String>("tasks.work")

@Suite("Events", .timeLimit(.minutes(5)))
struct WorkerEventsTests {
    @Test("sends events about tasks in batches, each event once and in order")
    func tasks() async throws {
        let bench = ControlBench()
        try await bench.run(CeleryControlConfiguration(sendsTaskEvents: true, heartbeatInterval: nil)) {
            work.handler { (context, text: String) in
                switch text {
                case "fail": throw TaskFailure("ValueError", "no")
                case "retry": try context.retry(after: .seconds(10))
                case "reject": throw Rejection(requeue: false)
                case "ignore": throw IgnoreResult()
                default: return text
                }
            }
        } during: {
            let result = try await bench.client.send(work("fine"))
            #expect(try await result.get() == "fine")
            await until { bench.events.count == 3 }
            let received = bench.events[0]
            #expect(received.nodeName == "w@test" && received.fields["uuid"] == .string(result.id))
            #expect(received.fields["args"] == "('fine',)" && received.fields["kwargs"] == "{}")
            #expect(received.fields["root_id"] == .string(result.id) && received.fields["retries"] == 0)
            #expect(bench.events[2].fields["result"] == "'fine'")
            #expect(bench.events[2].fields["runtime"]?.doubleValue != nil)
            #expect(bench.events.map(\.clock) == [1, 2, 3])
            #expect(bench.mailbox.published.allSatisfy { $0.routingKey == "task.multi" })
            #expect(bench.mailbox.published.allSatisfy { $0.message.properties.deliveryMode == 1 })

            for text in ["fail", "retry", "reject", "ignore"] { _ = try await bench.client.send(work(text)) }
            _ = try await bench.client.send(Signature("nobody", arguments: [], returning: Int.self))
            _ = try await bench.ask("revoke", ["task_id": "r"])
            _ = try await bench.client.send([work("r")], options: SendOptions(taskID: "r"))
            await until { bench.events.count == 3 + 3 + 4 + 4 + 2 + 1 + 1 }
            let kinds = bench.events.dropFirst(3).map(\.kind.rawValue).filter {
                !["task-received", "task-started"].contains($0)
            }
            // The worker sends each event when its task's effects are done, so one task may overtake another.
            #expect(
                kinds.sorted() == [
                    "task-failed", "task-failed", "task-failed", "task-rejected", "task-retried", "task-revoked",
                ])
            let failed = try #require(bench.events.first { $0.fields["exception"] == "ValueError('no')" })
            #expect(failed.kind == .taskFailed && failed.fields["traceback"]?.stringValue != nil)
            let unregistered = bench.events.first { $0.fields["exception"] == "NotRegistered('nobody')" }
            #expect(unregistered?.kind == .taskFailed && unregistered?.fields.count == 2)
            let revoked = bench.events.first { $0.kind == .taskRevoked }?.fields
            #expect(revoked == ["uuid": "r", "terminated": false, "signum": nil, "expired": false])
        }
    }

    @Test("sends events to the exchange of event_exchange")
    func exchange() async throws {
        let bench = ControlBench()
        var control = CeleryControlConfiguration(sendsTaskEvents: true, heartbeatInterval: nil)
        control.eventExchange = "ours"
        try await bench.run(control) {
            work.handler { $0 }
        } during: {
            let value = try await bench.client.send(work("x")).get()
            #expect(value == "x")
            await until { bench.mailbox.published.contains { $0.exchange == "ours" } }
        }
        #expect(bench.events.isEmpty)
    }

    @Test("keeps events while the broker is out of reach")
    func outOfReach() async throws {
        let bench = ControlBench()
        try await bench.run(CeleryControlConfiguration(sendsTaskEvents: true, heartbeatInterval: nil)) {
            work.handler { $0 }
        } during: {
            bench.mailbox.fail(2)
            let answer = try await bench.client.send(work("x")).get()
            #expect(answer == "x")
            // One step of the virtual clock may pass both pauses.
            await until {
                bench.timers.advance(by: .seconds(60))
                return bench.events.count == 3
            }
        }
    }

    @Test("sends heartbeats from its start to its end, with their interval")
    func heartbeats() async throws {
        let bench = ControlBench()
        try await bench.run(CeleryControlConfiguration(heartbeatInterval: .seconds(2))) {
            work.handler { $0 }
        } during: {
            await until { bench.events.map(\.kind) == [.workerOnline] && bench.timers.count > 0 }
            let answer = try await bench.client.send(work("x")).get()
            #expect(answer == "x")
            bench.timers.advance(by: .seconds(2))
            await until { bench.events.count == 2 && bench.timers.count > 0 }
            bench.timers.advance(by: .seconds(2))
            await until { bench.events.count == 3 }
            #expect(try await bench.ask("heartbeat") == nil)
        }
        let events = bench.events
        #expect(
            events.map(\.kind) == [
                .workerOnline, .workerHeartbeat, .workerHeartbeat, .workerHeartbeat, .workerOffline,
            ])
        #expect(events[1].fields["freq"] == 2.0 && events[1].fields["processed"] == 1)
        #expect(events[1].fields["loadavg"]?.arrayValue?.count == 3)
        #expect(events[3].fields["freq"] == 5 && events[3].fields["active"] == nil)
        #expect(events[1].timestamp - events[0].timestamp == 2)
        #expect(
            bench.mailbox.published.filter { $0.exchange == "celeryev" }.map(\.routingKey) == [
                "worker.online", "worker.heartbeat", "worker.heartbeat", "worker.heartbeat", "worker.offline",
            ])
    }
}
