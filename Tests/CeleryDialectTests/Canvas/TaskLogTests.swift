import Celeriac
import CeleriacCore
import CeleriacTestKit
import Logging
import TestSupport
import Testing

/// What a worker logs of its tasks, and what it says of its settings.
@Suite("Tasks in the log", .timeLimit(.minutes(5)))
struct TaskLogTests {
    @Test("received and succeeded at info with the runtime, failed at error with text and place unless private")
    func lines() async throws {
        for showsTexts in [true, false] {
            let log = LogRecorder()
            let app = CeleryApp(broker: MemoryBroker(), results: MemoryResultStore(), logger: log.logger)
            var settings = WorkerConfiguration(queues: ["celery"])
            settings.logsErrorTexts = showsTexts
            let worker = app.worker(settings) {
                WorkflowSite.add.handler { $0 + $1 }
                WorkflowSite.fail.handler { text in throw TaskFailure("ValueError", text) }
            }
            try await withRunning(worker) {
                let sum = try await app.send(WorkflowSite.add(1, 2)).get(timeout: .seconds(120))
                #expect(sum == 3)
                await #expect(throws: RemoteTaskError.self) {
                    try await app.send(WorkflowSite.fail("secret")).get(timeout: .seconds(120))
                }
            }
            await app.close()
            #expect(log.lines(of: "task received").map(\.level) == [.info, .info])
            let succeeded = log.lines(of: "task succeeded")
            #expect(succeeded.map(\.level) == [.info] && succeeded.first?.metadata["seconds"] != nil)
            let failed = log.lines(of: "task failed")
            #expect(failed.map(\.level) == [.error])
            let error = showsTexts ? "ValueError: secret" : "ValueError"
            #expect(failed.first?.metadata["error"] == error)
            #expect((failed.first?.metadata["traceback"] != nil) == showsTexts)
        }
    }

    @Test("arguments and results only if that is asked for, and as the sender wants them to be shown")
    func arguments() async throws {
        for shows in [true, false] {
            let log = LogRecorder()
            let app = CeleryApp(broker: MemoryBroker(), results: MemoryResultStore(), logger: log.logger)
            var settings = WorkerConfiguration(queues: ["celery"], concurrency: 1)
            settings.logsArguments = shows
            let worker = app.worker(settings) {
                WorkflowSite.add.handler { $0 + $1 }
                WorkflowSite.fail.handler { text in throw TaskFailure("ValueError", text) }
            }
            let secret = WorkflowSite.fail("secret").with(SendOptions(argumentsText: "(<secret>,)"))
            try await withRunning(worker) {
                let sum = try await app.send(WorkflowSite.add(1, 2)).get(timeout: .seconds(30))
                #expect(sum == 3)
                await #expect(throws: RemoteTaskError.self) {
                    try await app.send(secret).get(timeout: .seconds(30))
                }
            }
            await app.close()
            let shown = (log.lines(of: "task received") + log.lines(of: "task failed")).map { $0.metadata["args"] }
            let wanted: [String?] = shows ? ["(1, 2)", "(<secret>,)", "(<secret>,)"] : [nil, nil, nil]
            #expect(shown == wanted)
            let succeeded = log.lines(of: "task succeeded").first
            #expect(succeeded?.metadata["result"] == (shows ? "3" : nil))
        }
    }
}
