#if Redis
import Celeriac
import CeleriacTestKit
import Logging
import Testing

/// Tests that a Python worker receives and enforces the time limits that a Swift client sends.
@Suite("Time limits", .timeLimit(.minutes(5)))
struct TimeLimitTests {
    @Test func aPythonWorkerKeepsThem() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        // Only the prefork pool enforces time limits.
        let python = try await PythonPeer(broker: url, results: url).startWorker(pool: .prefork, concurrency: 1)
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        let app = try CeleryApp(broker: url, results: url, logger: logger)

        let request = Signature("tasks.request")
        let both = SendOptions(timeLimits: TimeLimits(soft: .seconds(30), hard: .milliseconds(60_500)))
        let seen = try await app.send(request.with(both)).get(timeout: .seconds(60))
        // Celery's order is hard, soft.
        #expect(seen["timelimit"]?[0]?.doubleValue == 60.5 && seen["timelimit"]?[1]?.doubleValue == 30)
        let none = try await app.send(request).get(timeout: .seconds(60))
        #expect(none["timelimit"] == [.null, .null])

        for (limits, type) in [
            (TimeLimits(soft: .seconds(1)), "SoftTimeLimitExceeded"),
            (TimeLimits(hard: .seconds(1)), "TimeLimitExceeded"),
        ] {
            let slow = MatrixTasks.slow(600).with(SendOptions(timeLimits: limits))
            do {
                _ = try await app.send(slow).get(timeout: .seconds(60))
                Issue.record("\(type) is missing")
            } catch let error as RemoteTaskError {
                #expect(error.type == type)
            }
        }
        await python.stop()
        await app.close()
    }
}
#endif
