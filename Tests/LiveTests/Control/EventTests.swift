import Celeriac
import CeleriacTestKit
import CeleriacWire
import NIOConcurrencyHelpers
import Testing

/// Tests Python's event receiver with a Swift worker.
@Suite("Task events", .serialized)
struct EventTests {
    @Test("Python receives a Swift worker's events", .timeLimit(.minutes(5)), arguments: BrokerSite.Kind.available)
    func events(_ kind: BrokerSite.Kind) async throws {
        let heard = NIOLockedValueBox<[WireValue]>([])
        @Sendable func hear(_ driver: PythonDriver, until isEnough: @Sendable ([WireValue]) -> Bool) async throws {
            try await until {
                let events = try await driver.ask("heard")["events"]?.arrayValue ?? []
                return isEnough(
                    heard.withLockedValue { heard in
                        heard += events
                        return heard
                    })
            }
        }
        let (add, fail) = (MatrixTasks.add, MatrixTasks.fail)
        try await ControlledWorker.run(kind) { site, driver in
            _ = try await driver.ask("listen")
            try await hear(driver) { $0.contains { $0["type"] == "worker-heartbeat" && $0["freq"] == 2.0 } }
            // Task events are off until somebody enables them.
            #expect(try await site.app.send(add(1, 2)).get(timeout: .seconds(60)) == 3)
            let other = try await site.python.startDriver()
            #expect(try await other.controlled("enable_events") == ["ok": "task events enabled"])
            let good = try await site.app.send(add(2, 3))
            #expect(try await good.get(timeout: .seconds(60)) == 5)
            // The event is sent after the result is stored.
            try await hear(driver) { $0.contains { $0["type"] == "task-succeeded" } }
            let bad = try await site.app.send(fail("ValueError", ["no"]))
            _ = try? await bad.get(timeout: .seconds(60))
            try await hear(driver) { $0.contains { $0["type"] == "task-failed" } }
            await other.stop()

            let events = heard.withLockedValue { $0 }.filter { $0["type"]?.stringValue?.hasPrefix("task-") == true }
            #expect(
                events.map { $0["type"] } == [
                    "task-received", "task-started", "task-succeeded", "task-received", "task-started", "task-failed",
                ])
            #expect(events.allSatisfy { $0["hostname"] == .string(ControlledWorker.name) })
            #expect(events.prefix(3).allSatisfy { $0["uuid"] == .string(good.id) })
            #expect(events[0]["name"] == "tasks.add" && events[0]["args"] == "(2, 3)")
            #expect(events[2]["result"] == "5" && events[2]["runtime"]?.doubleValue != nil)
            #expect(events[5]["exception"] == "ValueError('no')")
            let clocks = events.compactMap { $0["clock"]?.intValue }
            #expect(clocks == clocks.sorted() && Set(clocks).count == 6)
        } after: { _, driver in
            try await hear(driver) { $0.contains { $0["type"] == "worker-offline" } }
        }
        let beat = try #require(heard.withLockedValue { $0 }.last { $0["freq"] == 2.0 })
        #expect(beat["sw_ident"] == "celeriac" && beat["loadavg"]?.arrayValue?.count == 3)
    }
}
