import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import Foundation
import NIOConcurrencyHelpers
import Testing

/// Tests Python's remote control and monitors against a Swift worker.
@Suite("Remote control", .serialized)
struct ControlTests {
    @Test("Python grows and shrinks a Swift worker", .timeLimit(.minutes(5)), arguments: BrokerSite.Kind.available)
    func pool(_ kind: BrokerSite.Kind) async throws {
        try await ControlledWorker.run(kind) { site, driver in
            func ask(_ command: String, _ n: WireValue) async throws -> WireValue? {
                // The driver waits only for the one reply that it requests.
                let replies = try await driver.ask(
                    "control",
                    [
                        "command": .string(command), "arguments": ["n": n], "timeout": 60,
                        "destination": [.string(ControlledWorker.name)],
                    ])
                return replies["replies"]?[0]?[ControlledWorker.name]
            }
            let tasks = try await site.app.send((0..<6).map { _ in MatrixTasks.slow(600) })
            try await until { try await driver.inspected("active")?.arrayValue?.count == 1 }
            #expect(try await ask("pool_grow", 5) == ["ok": "pool will grow"])
            // The worker runs more tasks, and fetches more than the first window held.
            try await until { try await driver.inspected("active")?.arrayValue?.count == 6 }
            #expect(try await ask("pool_shrink", 5) == ["ok": "pool will shrink"])
            try await until { try await driver.inspected("stats")?["pool"]?["max-concurrency"] == 1 }
            #expect(try await ask("pool_shrink", 1)?["error"]?.stringValue?.contains("concurrency") == true)
            let ids: WireValue = .array(tasks.map { .string($0.id) })
            _ = try await driver.ask("revoke", ["ids": ids, "terminate": true])
            #expect(try await site.app.send(MatrixTasks.add(1, 2)).get(timeout: .seconds(60)) == 3)
        }
    }

    @Test("Python inspects a Swift worker", .timeLimit(.minutes(5)), arguments: BrokerSite.Kind.available)
    func inspection(_ kind: BrokerSite.Kind) async throws {
        try await ControlledWorker.run(kind) { site, driver in
            #expect(try await driver.ping() == [.object([ControlledWorker.name: ["ok": "pong"]])])

            let running = try await site.app.send(MatrixTasks.slow(600))
            let waiting = try await site.app.send(MatrixTasks.slow(0.001))
            let later = try await site.app.send(MatrixTasks.add(1, 2), countdown: .seconds(300))
            try await until { try await driver.inspected("active")?[0]?["id"]?.stringValue == running.id }
            let active = try #require(try await driver.inspected("active")?[0])
            #expect(active["name"] == "tasks.slow" && active["args"] == [600.0] && active["kwargs"] == [:])
            #expect(active["hostname"] == .string(ControlledWorker.name) && active["type"] == "tasks.slow")
            #expect(active["time_start"]?.doubleValue ?? 0 > 1_700_000_000)
            #expect(active["acknowledged"] == false)
            #expect(active["worker_pid"]?.intValue == Int(ProcessInfo.processInfo.processIdentifier))
            #expect(active["delivery_info"]?["routing_key"] == "celery")

            try await until { try await driver.inspected("reserved")?[0]?["id"]?.stringValue == waiting.id }
            try await until { try await driver.inspected("scheduled")?[0]?["request"]?["id"]?.stringValue == later.id }
            let scheduled = try #require(try await driver.inspected("scheduled")?[0])
            #expect(scheduled["priority"] == 6 && scheduled["request"]?["args"] == [1, 2])
            #expect(scheduled["eta"]?.stringValue?.hasSuffix("+00:00") == true)
            let ids: WireValue = [.array([running.id, waiting.id, later.id, "other"].map { .string($0) })]
            let found = try await driver.inspected("query_task", ids)
            #expect(found?.objectValue?.count == 3)
            #expect(found?[running.id]?[0] == "active" && found?[waiting.id]?[0] == "reserved")
            #expect(found?[later.id]?[0] == "scheduled" && found?[later.id]?[1]?["name"] == "tasks.add")

            let registered = try #require(try await driver.inspected("registered")?.arrayValue)
            #expect(registered.contains("tasks.add") && registered == registered.sorted { "\($0)" < "\($1)" })
            let named = try #require(try await driver.inspected("registered", ["name"])?.arrayValue)
            #expect(named.contains("tasks.add [name=tasks.add]"))
            let late = try #require(try await driver.inspected("registered", ["acks_late"])?.arrayValue)
            #expect(late.contains("tasks.add [acks_late=True]"))
            let queue = try await driver.inspected("active_queues")?[0]
            #expect(queue?["name"] == "celery" && queue?["exchange"]?["type"] == "direct")
            let stats = try #require(try await driver.inspected("stats"))
            #expect(stats["pool"]?["max-concurrency"] == 1 && stats["total"] == ["tasks.slow": 1])
            #expect(stats["pid"]?.intValue == Int(ProcessInfo.processInfo.processIdentifier))
            #expect(stats["broker"]?["transport"] == (kind == .redis ? "redis" : "amqp"))
            #expect(stats["prefetch_count"] == 5 && stats["rusage"]?["utime"]?.doubleValue ?? 0 > 0)
            #expect(try await driver.inspected("clock")?["clock"]?.intValue ?? 0 > 0)
            #expect(try await driver.inspected("conf")?["accept_content"] == ["json"])
            #expect(try await driver.inspected("report")?["ok"]?.stringValue?.contains("software -> celery:") == true)
            #expect(try await driver.inspected("memsample")?.stringValue?.hasSuffix("B") == true)
            #expect(try await driver.inspected("revoked") == [])
            let hello = try await driver.inspected("hello", ["other@host", ["dead-beef"]])
            #expect(hello?["revoked"] == ["dead-beef"])

            try await terminate(running, driver)
        }
    }

    @Test(
        "Inspections show every setting that was set, and arguments as Python has them", .timeLimit(.minutes(5)),
        arguments: BrokerSite.Kind.available)
    func settings(_ kind: BrokerSite.Kind) async throws {
        let site = try await BrokerSite(kind)
        let driver = try await site.python.startDriver()
        let yaml = """
            broker_url: \(site.broker)
            result_backend: \(site.results)
            accept_content: [json, yaml]
            broker_transport_options: {visibility_timeout: 99, maximum_eta_hold: 98}
            control_exchange: celery
            control_queue_durable: true
            control_queue_exclusive: false
            control_queue_expires: 93
            control_queue_ttl: 92
            result_accept_content: [json, yaml]
            result_backend_transport_options: {global_keyprefix: mine}
            result_chord_retry_interval: 0.5
            result_compression: zlib
            result_expires: 97
            result_extended: true
            result_persistent: true
            result_serializer: yaml
            task_acks_late: false
            task_acks_on_failure: false
            task_acks_on_timeout: false
            task_annotations: {tasks.greet: {rate_limit: 7/m}}
            task_compression: zlib
            task_default_priority: 3
            task_default_queue: settings
            task_default_rate_limit: 96/s
            task_ignore_result: true
            task_protocol: 2
            task_reject_on_worker_lost: true
            task_routes: {other.*: elsewhere}
            task_send_sent_event: true
            task_serializer: yaml
            task_soft_time_limit: 94
            task_store_errors_even_if_ignored: true
            task_time_limit: 95
            task_track_started: true
            worker_concurrency: 2
            worker_enable_remote_control: true
            worker_prefetch_multiplier: 3
            worker_send_task_events: true
            """
        let settings = try CelerySettings(yaml: Array(yaml.utf8))
        let app = try CeleryApp(settings: settings)
        let worker = app.worker(settings.worker) { MatrixTasks.handlers }
        try await withRunning(worker) {
            _ = try await driver.ping(timeout: .seconds(120))
            let shown = try #require(try await driver.inspect("conf").objectValue?.values.first?.objectValue)
            // The addresses are shown without passwords, and in our own words.
            let set = try #require(try WireYAML.decode(Array(yaml.utf8)).objectValue)
                .filter { $0.key != "broker_url" && $0.key != "result_backend" }
            for (name, value) in set {
                if let object = value.objectValue {
                    for (key, value) in object {
                        let found = shown[name]?[key]
                        #expect(found == value || found == ["queue": value], "\(name), \(key)")
                    }
                } else {
                    // Seconds are shown with a point.
                    let isSame =
                        shown[name] == value || value.doubleValue.map { shown[name]?.doubleValue == $0 } ?? false
                    #expect(isSame, "\(name): \(shown[name].map { "\($0)" } ?? "not shown")")
                }
            }
            #expect(shown["broker_url"] != nil && shown["result_backend"] != nil)
            let late = try await driver.ask("inspect", ["method": "registered", "args": ["acks_late"]])["replies"]
            let names = try #require(late?.objectValue?.values.first?.arrayValue)
            #expect(names.contains("tasks.add [acks_late=False]"), "\(names)")

            var deep: WireValue = .double(.nan)
            for _ in 0..<700 { deep = [deep] }
            let echo = Signature<WireValue>("tasks.echo", arguments: [.double(.infinity), deep])
            try await app.send(echo, countdown: .seconds(90), serializer: .json)
            try await until {
                try await driver.inspect("scheduled").objectValue?.values.first?[0]?["request"]?["args"]?[0]
                    == .double(.infinity)
            }
        }
        await driver.stop()
        await app.close()
        await site.close()
    }

    @Test(
        "Python revokes and terminates tasks of a Swift worker", .timeLimit(.minutes(5)),
        arguments: BrokerSite.Kind.available)
    func revocation(_ kind: BrokerSite.Kind) async throws {
        try await ControlledWorker.run(kind) { site, driver in
            _ = try await driver.ping()
            let running = try await site.app.send(MatrixTasks.slow(600))
            let waiting = try await site.app.send(MatrixTasks.slow(599))
            let later = try await site.app.send(MatrixTasks.add(1, 2), countdown: .seconds(300))
            try await until { try await driver.inspected("active")?[0]?["id"]?.stringValue == running.id }
            try await until { try await driver.inspected("reserved")?[0] != nil }
            try await until { try await driver.inspected("scheduled")?[0] != nil }

            // The task is revoked before it is sent, so the worker refuses it when it arrives.
            _ = try await driver.ask("revoke", ["ids": [.string(waiting.id), .string(later.id), "11111111-0000"]])
            try await until { try await driver.inspected("revoked")?.arrayValue?.count == 3 }
            let early = try await driver.send("tasks.add", [1, 1], options: ["task_id": "11111111-0000"])
            try await terminate(running, driver)
            let revoked = PythonOutcome.failure(
                state: "REVOKED", type: "TaskRevokedError", module: "celery.exceptions", arguments: ["revoked"])
            #expect(try await driver.get(early) == revoked)
            await expectRevoked("terminated", running)
            await expectRevoked("revoked", waiting)
            await expectRevoked("revoked", later)

            let reply = try await driver.controlled("revoke_by_stamped_headers", ["headers": ["customer": "acme"]])
            #expect(reply == ["ok": "headers {'customer': 'acme'} flagged as revoked, but not terminated"])
            let stamped = try await driver.send(
                "tasks.add", [1, 1], options: ["stamped_headers": ["customer"], "customer": "acme"])
            #expect(try await driver.get(stamped) == revoked)
            let unknown = try await driver.controlled("revoke", ["task_id": "x", "terminate": true])
            #expect(unknown == ["ok": "terminate: tasks unknown"])
            #expect(try await site.app.send(MatrixTasks.add(2, 3)).get(timeout: .seconds(60)) == 5)
            try await until { try await site.messages() == (0, 0) }
        }
    }

    @Test(
        "Python makes a Swift worker serve another queue", .timeLimit(.minutes(5)),
        arguments: BrokerSite.Kind.available)
    func queues(_ kind: BrokerSite.Kind) async throws {
        try await ControlledWorker.run(kind) { site, driver in
            _ = try await driver.ping()
            let early = try await site.app.send(MatrixTasks.add(1, 1), queue: "other")
            #expect(try await driver.controlled("add_consumer", ["queue": "other"]) == ["ok": "add consumer other"])
            #expect(try await early.get(timeout: .seconds(60)) == 2)
            let later = try await driver.send("tasks.add", [2, 2], options: ["queue": "other"])
            #expect(try await driver.get(later) == .success(4))
            #expect(try await driver.inspected("active_queues")?.arrayValue?.map { $0["name"] } == ["celery", "other"])
            let reply = try await driver.controlled("cancel_consumer", ["queue": "other"])
            #expect(reply == ["ok": "no longer consuming from other"])
            #expect(try await driver.inspected("active_queues")?.arrayValue?.map { $0["name"] } == ["celery"])
            let left = try await site.app.send(MatrixTasks.add(3, 3), queue: "other")
            #expect(try await site.app.send(MatrixTasks.add(2, 3)).get(timeout: .seconds(60)) == 5)
            #expect(try await left.status() == .pending)
            _ = try await driver.controlled("add_consumer", ["queue": "other"])
            #expect(try await left.get(timeout: .seconds(60)) == 6)
        }
    }

    @Test(
        "A Python worker learns the revoked tasks of a Swift worker", .timeLimit(.minutes(5)),
        arguments: BrokerSite.Kind.available)
    func mingling(_ kind: BrokerSite.Kind) async throws {
        try await ControlledWorker.run(kind) { site, driver in
            _ = try await driver.ping()
            _ = try await driver.ask("revoke", ["ids": ["dead-beef"]])
            try await until { try await driver.inspected("revoked") == ["dead-beef"] }
            let python = try await site.python.startWorker()
            #expect(python.log.contains("mingle: sync with 1 nodes"), "\(python.log)")
            try await until {
                try await driver.inspect("revoked", timeout: .seconds(5))[python.name] == ["dead-beef"]
            }
            let pings: WireValue = ["ok": "pong"]
            try await until {
                let answers = try await driver.inspect("ping", timeout: .seconds(5))
                return answers[python.name] == pings && answers[ControlledWorker.name] == pings
            }
            await python.stop()
            #expect(!python.log.contains("Traceback"), "\(python.log)")
        }
    }

    @Test(
        "A Swift worker that starts runs nothing that a Python worker knows to be revoked", .timeLimit(.minutes(5)),
        arguments: BrokerSite.Kind.available)
    func learning(_ kind: BrokerSite.Kind) async throws {
        let site = try await BrokerSite(kind)
        let driver = try await site.python.startDriver()
        // It leaves the tasks to Swift.
        let python = try await site.python.startWorker(queues: ["other"])
        func revoke(_ tasks: [String]) async throws {
            let ids = tasks.map { WireValue.string($0) }
            _ = try await driver.ask("revoke", ["ids": .array(ids)])
            try await until {
                let known = try await driver.inspect("revoked", timeout: .seconds(5))[python.name]?.arrayValue ?? []
                return ids.allSatisfy { known.contains($0) }
            }
        }
        let now = try await site.app.send(MatrixTasks.add(1, 2))
        // It ends when its message comes, not at its time.
        let later = try await site.app.send(MatrixTasks.add(1, 2), countdown: .seconds(600))
        try await revoke([now.id, later.id])
        let worker = site.app.worker(WorkerConfiguration(queues: ["celery"], nodeName: ControlledWorker.name)) {
            MatrixTasks.handlers
        }
        try await withRunning(worker) {
            await expectRevoked("revoked", now)
            await expectRevoked("revoked", later)
            let known = try await driver.inspected("revoked")?.arrayValue ?? []
            #expect(known.contains(.string(now.id)) && known.contains(.string(later.id)))
        }
        // One that does not ask does not know. What Python stores about it at Redis says nothing of that.
        let record = NSTemporaryDirectory() + "celeriac-deaf-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: record) }
        let other = try await site.app.send(MatrixTasks.record(record, "ran", 0))
        try await revoke([other.id])
        var control = CeleryControlConfiguration()
        control.mingles = false
        let deaf = site.app.worker(WorkerConfiguration(queues: ["celery"]), control: control) { MatrixTasks.handlers }
        try await withRunning(deaf) {
            await until { FileManager.default.fileExists(atPath: record) }
        }
        await python.stop()
        await driver.stop()
        await site.close()
    }

    @Test(
        "The server says whether anybody hears a broadcast", .timeLimit(.minutes(5)),
        arguments: BrokerSite.Kind.available)
    func audience(_ kind: BrokerSite.Kind) async throws {
        let site = try await BrokerSite(kind)
        let broker = try #require(site.app.client.broker.unwrapped as? any AudienceBroker)
        let request = OutgoingMessage(
            message: try CeleryControlRequest("ping").encode(), exchange: "celery.pidbox", routingKey: "")
        func heard() async throws -> [Int?] {
            let exchanges = ControlExchanges(
                requests: "celery.pidbox", replies: "reply.celery.pidbox", events: "celeryev",
                inbox: "probe.reply.celery.pidbox", replyKey: "probe")
            let (counts, enough) = (NIOLockedValueBox<[Int?]>([]), Gate())
            try await broker.ask(
                request, exchanges: exchanges, until: enough,
                heard: { count in
                    counts.withLockedValue { $0.append(count) }
                    enough.open()
                }, receive: { _ in })
            return counts.withLockedValue { $0 }
        }
        let alone = try await heard()
        #expect(alone == [0])
        let worker = site.app.worker(WorkerConfiguration(queues: ["celery"])) { MatrixTasks.handlers }
        try await withRunning(worker) {
            let counts = try await heard()
            // RabbitMQ says no more than that somebody does.
            let expected: [Int?] = [kind == .redis ? 1 : nil]
            #expect(counts == expected)
        }
        await site.close()
    }

    @Test("It is back after a restart of its server", .timeLimit(.minutes(5)), arguments: BrokerSite.Kind.available)
    func restart(_ kind: BrokerSite.Kind) async throws {
        try await ControlledWorker.run(kind) { site, driver in
            _ = try await driver.ping()
            try await site.restart()
            let other = try await site.python.startDriver()
            #expect(try await other.ping(timeout: .seconds(60)) == [.object([ControlledWorker.name: ["ok": "pong"]])])
            #expect(try await site.app.send(MatrixTasks.add(2, 3)).get(timeout: .seconds(60)) == 5)
            await other.stop()
        }
    }

    // MARK: Helpers

    private func terminate<Value>(_ result: AsyncResult<Value>, _ driver: PythonDriver) async throws {
        let reply = try await driver.controlled("revoke", ["task_id": .string(result.id), "terminate": true])
        #expect(reply == ["ok": .string("terminate: \(result.id)")])
    }

    private func expectRevoked<Value: Sendable>(_ reason: String, _ result: AsyncResult<Value>) async {
        await #expect {
            try await result.get(timeout: .seconds(60))
        } throws: { error in
            guard let error = error as? RemoteTaskError else { return false }
            return error.state == .revoked && error.type == "TaskRevokedError"
                && error.arguments == [.string(reason)]
        }
    }
}
