import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// Python's remote control and monitors against a Swift worker.
@Suite("Remote control", .serialized)
struct ControlTests {
    private static let name = "swift@control"

    @Test("Python inspects a Swift worker", .timeLimit(.minutes(3)), arguments: BrokerSite.Kind.available)
    func inspection(_ kind: BrokerSite.Kind) async throws {
        try await withWorker(kind) { site, driver in
            #expect(try await driver.ping() == [.object([Self.name: ["ok": "pong"]])])

            let running = try await site.app.send(MatrixTasks.slow(600))
            let waiting = try await site.app.send(MatrixTasks.slow(0.001))
            let later = try await site.app.send(MatrixTasks.add(1, 2), countdown: .seconds(900))
            try await until { try await inspect(driver, "active")?[0]?["id"]?.stringValue == running.id }
            let active = try #require(try await inspect(driver, "active")?[0])
            #expect(active["name"] == "tasks.slow" && active["args"] == [600.0] && active["kwargs"] == [:])
            #expect(active["hostname"] == .string(Self.name) && active["type"] == "tasks.slow")
            #expect(active["time_start"]?.doubleValue ?? 0 > 1_700_000_000)
            #expect(active["acknowledged"] == false)
            #expect(active["worker_pid"]?.intValue == Int(ProcessInfo.processInfo.processIdentifier))
            #expect(active["delivery_info"]?["routing_key"] == "celery")

            try await until { try await inspect(driver, "reserved")?[0]?["id"]?.stringValue == waiting.id }
            try await until { try await inspect(driver, "scheduled")?[0]?["request"]?["id"]?.stringValue == later.id }
            let scheduled = try #require(try await inspect(driver, "scheduled")?[0])
            #expect(scheduled["priority"] == 6 && scheduled["request"]?["args"] == [1, 2])
            #expect(scheduled["eta"]?.stringValue?.hasSuffix("+00:00") == true)
            let ids: WireValue = [.array([running.id, waiting.id, later.id, "other"].map { .string($0) })]
            let found = try await inspect(driver, "query_task", ids)
            #expect(found?.objectValue?.count == 3)
            #expect(found?[running.id]?[0] == "active" && found?[waiting.id]?[0] == "reserved")
            #expect(found?[later.id]?[0] == "scheduled" && found?[later.id]?[1]?["name"] == "tasks.add")

            let registered = try #require(try await inspect(driver, "registered")?.arrayValue)
            #expect(registered.contains("tasks.add") && registered == registered.sorted { "\($0)" < "\($1)" })
            let named = try #require(try await inspect(driver, "registered", ["name"])?.arrayValue)
            #expect(named.contains("tasks.add [name=tasks.add]"))
            let queue = try await inspect(driver, "active_queues")?[0]
            #expect(queue?["name"] == "celery" && queue?["exchange"]?["type"] == "direct")
            let stats = try #require(try await inspect(driver, "stats"))
            #expect(stats["pool"]?["max-concurrency"] == 1 && stats["total"] == ["tasks.slow": 1])
            #expect(stats["pid"]?.intValue == Int(ProcessInfo.processInfo.processIdentifier))
            #expect(stats["broker"]?["transport"] == (kind == .redis ? "redis" : "amqp"))
            #expect(stats["prefetch_count"] == 5 && stats["rusage"]?["utime"]?.doubleValue ?? 0 > 0)
            #expect(try await inspect(driver, "clock")?["clock"]?.intValue ?? 0 > 0)
            #expect(try await inspect(driver, "conf")?["accept_content"] == ["json"])
            #expect(try await inspect(driver, "report")?["ok"]?.stringValue?.contains("software -> celery:") == true)
            #expect(try await inspect(driver, "memsample")?.stringValue?.hasSuffix("MB") == true)
            #expect(try await inspect(driver, "revoked") == [])
            let hello = try await inspect(driver, "hello", ["other@host", ["dead-beef"]])
            #expect(hello?["revoked"] == ["dead-beef"])

            try await terminate(running, driver)
        }
    }

    @Test(
        "Python revokes and terminates at a Swift worker", .timeLimit(.minutes(3)), arguments: BrokerSite.Kind.available
    )
    func revocation(_ kind: BrokerSite.Kind) async throws {
        try await withWorker(kind) { site, driver in
            _ = try await driver.ping()
            let running = try await site.app.send(MatrixTasks.slow(600))
            let waiting = try await site.app.send(MatrixTasks.slow(599))
            let later = try await site.app.send(MatrixTasks.add(1, 2), countdown: .seconds(900))
            try await until { try await inspect(driver, "active")?[0]?["id"]?.stringValue == running.id }
            try await until { try await inspect(driver, "reserved")?[0] != nil }
            try await until { try await inspect(driver, "scheduled")?[0] != nil }

            // Withdrawn before it is sent: the worker refuses it when it comes.
            _ = try await driver.ask("revoke", ["ids": [.string(waiting.id), .string(later.id), "11111111-0000"]])
            try await until { try await inspect(driver, "revoked")?.arrayValue?.count == 3 }
            let early = try await driver.send("tasks.add", [1, 1], options: ["task_id": "11111111-0000"])
            try await terminate(running, driver)
            let revoked = PythonOutcome.failure(
                state: "REVOKED", type: "TaskRevokedError", module: "celery.exceptions", arguments: ["revoked"])
            #expect(try await driver.get(early) == revoked)
            await expectRevoked("terminated", running)
            await expectRevoked("revoked", waiting)
            await expectRevoked("revoked", later)

            let reply = try await control(driver, "revoke_by_stamped_headers", ["headers": ["customer": "acme"]])
            #expect(reply == ["ok": "headers {'customer': 'acme'} flagged as revoked, but not terminated"])
            let unknown = try await control(driver, "revoke", ["task_id": "x", "terminate": true])
            #expect(unknown == ["ok": "terminate: tasks unknown"])
            #expect(try await site.app.send(MatrixTasks.add(2, 3)).get(timeout: .seconds(60)) == 5)
            try await until { try await site.messages() == (0, 0) }
        }
    }

    // MARK: Helpers

    /// Runs a worker with one place while `body` runs, and a Python driver beside it.
    private func withWorker(
        _ kind: BrokerSite.Kind, control: CeleryControlConfiguration = CeleryControlConfiguration(),
        _ body: @Sendable (BrokerSite, PythonDriver) async throws -> Void
    ) async throws {
        let site = try await BrokerSite(kind)
        let driver = try await site.python.startDriver()
        let worker = site.app.worker(
            WorkerConfiguration(queues: ["celery"], concurrency: 1, prefetchMultiplier: 4, nodeName: Self.name),
            control: control
        ) { MatrixTasks.handlers }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            await worker.ready()
            do {
                try await body(site, driver)
            } catch {
                worker.stop()
                throw error
            }
            worker.stop()
            try await group.waitForAll()
        }
        await driver.stop()
        await site.close()
    }

    /// What the worker answers to `app.control.inspect()`; nil where it does not in time.
    private func inspect(
        _ driver: PythonDriver, _ method: String, _ arguments: WireValue = []
    ) async throws -> WireValue? {
        let fields: [String: WireValue] = ["method": .string(method), "args": arguments, "timeout": 1]
        return try await driver.ask("inspect", fields)["replies"]?[Self.name]
    }

    /// What the worker answers to a command; nil where it does not in time.
    private func control(
        _ driver: PythonDriver, _ command: String, _ arguments: WireValue = [:]
    ) async throws -> WireValue? {
        let fields: [String: WireValue] = ["command": .string(command), "arguments": arguments, "timeout": 1]
        return try await driver.ask("control", fields)["replies"]?[0]?[Self.name]
    }

    private func terminate<Value>(_ result: AsyncResult<Value>, _ driver: PythonDriver) async throws {
        let reply = try await control(driver, "revoke", ["task_id": .string(result.id), "terminate": true])
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
