import Celeriac
import CeleriacTestKit
import CeleriacWire
import NIOConcurrencyHelpers
import Testing

/// Compares the events about sent tasks that Swift and Python send for the same work.
@Suite("Sent events", .serialized)
struct SentEventTests {
    @Test(
        "Python receives from a Swift client and worker the events that Python's send", .timeLimit(.minutes(5)),
        arguments: BrokerSite.Kind.available)
    func sent(_ kind: BrokerSite.Kind) async throws {
        let site = try await BrokerSite(kind)
        var configuration = site.app.configuration
        configuration.sendsSentEvents = true
        let app = try CeleryApp(broker: site.broker, results: site.results, configuration: configuration)
        let python = PythonPeer(
            broker: site.broker, results: site.results,
            settings: site.python.settings.merging(["task_send_sent_event": true]) { $1 })
        let driver = try await python.startDriver()
        _ = try await driver.ask("listen")

        // Three sendings by the client, then a chain's step and a retry by the worker.
        let expiring = SendOptions(expiresAfter: .seconds(600), queue: "celery")
        let ours: [WireValue] = try await withRunning(app.worker { MatrixTasks.handlers }) {
            #expect(try await app.send(MatrixTasks.add(1, 2).with(expiring)).get(timeout: .seconds(60)) == 3)
            let chain = MatrixTasks.add(1, 2).then(MatrixTasks.add, 10)
            #expect(try await app.send(chain).get(timeout: .seconds(60)) == 13)
            #expect(try await app.send(MatrixTasks.retryUntil(1, 0.1)).get(timeout: .seconds(60)) == 1)
            return try await heard(by: driver)
        }
        let worker = try await python.startWorker()
        let add: WireValue = ["task": "tasks.add", "args": [1, 2]]
        let work: [(canvas: WireValue, result: WireValue)] = [
            (["task": "tasks.add", "args": [1, 2], "options": ["queue": "celery", "expires": 600]], 3),
            (["chain": [add, ["task": "tasks.add", "args": [10]]]], 13),
            (["task": "tasks.retry_until", "args": [1, 0.1]], 1),
        ]
        for (canvas, result) in work {
            let sent = try await driver.ask("canvas", ["canvas": canvas])
            #expect(try await driver.get(try #require(sent["id"]?.stringValue)) == .success(result))
        }
        let theirs = try await heard(by: driver)
        await worker.stop()

        // A worker may retry a task before the client has told of it.
        #expect(ours.map(\.shape).sorted { "\($0)" < "\($1)" } == theirs.map(\.shape).sorted { "\($0)" < "\($1)" })
        for event in ours {
            #expect(event["hostname"]?.stringValue?.hasPrefix("gen") == true)
            #expect(event["timestamp"]?.doubleValue != nil && event["pid"]?.intValue != nil)
        }
        await driver.stop()
        await app.close()
        await site.close()
    }

    @Test(
        "Python hears from a Swift beat what it sends, and from a worker what it has after a time limit",
        .timeLimit(.minutes(5)), arguments: BrokerSite.Kind.available)
    func beat(_ kind: BrokerSite.Kind) async throws {
        let site = try await BrokerSite(kind)
        var configuration = site.app.configuration
        configuration.sendsSentEvents = true
        configuration.control.sendsTaskEvents = true
        configuration.taskAnnotations = ["tasks.slow": TaskOptions(timeLimits: TimeLimits(soft: .milliseconds(200)))]
        let app = try CeleryApp(broker: site.broker, results: site.results, configuration: configuration)
        let driver = try await site.python.startDriver()
        _ = try await driver.ask("listen")
        let beat = try app.beat([
            BeatEntry("slow", try IntervalSchedule(every: .seconds(1)), MatrixTasks.slow(60))
        ])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await beat.run() }
            try await withRunning(app.worker { MatrixTasks.handlers }) {
                let sent = try await heard(by: driver, atLeast: 1, "task-sent")
                #expect(sent.first?["name"] == "tasks.slow" && sent.first?["args"] == "(60.0,)")
                let failed = try await heard(by: driver, atLeast: 1, "task-failed")
                #expect(failed.first?["exception"]?.stringValue?.hasPrefix("SoftTimeLimitExceeded(") == true)
                #expect(failed.first?["traceback"]?.stringValue?.isEmpty == false)
            }
            group.cancelAll()
            while let end = await group.nextResult() {
                if case .failure(let error) = end, !(error is CancellationError) { throw error }
            }
        }
        await driver.stop()
        await app.close()
        await site.close()
    }

    /// Waits for the events of five sendings.
    private func heard(
        by driver: PythonDriver, atLeast count: Int = 5, _ type: WireValue = "task-sent"
    ) async throws -> [WireValue] {
        let heard = NIOLockedValueBox<[WireValue]>([])
        try await until {
            let events = try await driver.ask("heard")["events"]?.arrayValue ?? []
            return heard.withLockedValue { heard in
                heard += events.filter { $0["type"] == type }
                return heard.count >= count
            }
        }
        return heard.withLockedValue { $0 }
    }
}

extension WireValue {
    /// The event without what differs from one sending to the next: ids become what they refer to, times whether there
    /// is one.
    fileprivate var shape: WireValue {
        guard case .object(var fields) = self else { return self }
        for name in ["hostname", "pid", "clock", "timestamp", "local_received", "utcoffset"] {
            fields.removeValue(forKey: name)
        }
        fields["root_id"] = fields["root_id"] == fields["uuid"] ? "own" : "other"
        fields["parent_id"] = fields["parent_id"]?.isNull == true ? nil : "other"
        fields["uuid"] = "an id"
        for name in ["eta", "expires"] where fields[name]?.stringValue != nil { fields[name] = "a time" }
        return .object(fields)
    }
}
