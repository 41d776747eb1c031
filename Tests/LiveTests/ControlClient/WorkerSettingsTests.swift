#if Redis
import Celeriac
import CeleriacTestKit
import CeleriacWire
import Testing

/// Makes settings files of what live workers tell of themselves.
@Suite("Settings like a live worker's", .serialized)
struct WorkerSettingsTests {
    @Test("a worker in Python tells its settings, and a file with them is read here", .timeLimit(.minutes(5)))
    func python() async throws {
        let server = try await LiveServer.start(.redis)
        let python = PythonPeer(
            broker: server.url, results: server.url,
            settings: [
                "broker_transport_options": ["global_keyprefix": "app:", "visibility_timeout": 600],
                "result_expires": 7200, "result_extended": true, "task_acks_late": true,
                "task_default_queue": "math", "task_routes": ["images.*": ["queue": "images"]], "task_time_limit": 60,
                "worker_max_tasks_per_child": 50, "worker_prefetch_multiplier": 2,
            ])
        var configuration = CeleryConfiguration()
        configuration.redis.keyPrefix = "app:"
        let app = try CeleryApp(broker: server.url, results: server.url, configuration: configuration)
        let worker = try await python.startWorker()
        // Its mailbox may open a little later than its queues.
        try await until { try await !app.control(destination: [worker.name]).ping().isEmpty }
        let control = app.control(destination: [worker.name], timeout: .seconds(30))
        let file = WorkerSettingsFile(of: worker.name, conf: try only(await control.conf(), from: worker.name))

        // Celery masks a password in any URL of Redis, also where there is none.
        let (secret, password) = ("BROKER_TRANSPORT_OPTIONS_GLOBAL_KEYPREFIX", "BROKER_URL_PASSWORD")
        #expect(file.secrets == [secret, password])
        #expect(file.omissions.map(\.name).contains("worker_max_tasks_per_child"))
        #expect(file.omissions.allSatisfy { !$0.reason.isEmpty && file.settings[$0.name] == nil })
        let settings = try CelerySettings(
            yaml: Array(file.text.utf8), environment: [secret: "app:", password: ""])
        #expect(settings.notices.isEmpty)
        #expect(settings.configuration.redis.keyPrefix == "app:")
        #expect(settings.configuration.redis.visibilityTimeout == .seconds(600))
        #expect(settings.configuration.resultExpiry == .seconds(7200) && settings.configuration.resultExtended)
        #expect(settings.configuration.defaultQueue == "math" && settings.worker.prefetchMultiplier == 2)
        #expect(settings.configuration.taskDefaults.acknowledgement == .late)
        #expect(settings.configuration.taskDefaults.timeLimits.hard == .seconds(60))

        // By the file alone, an application finds the worker, its queue and its results.
        let twin = try CeleryApp(settings: settings)
        let again = twin.control(destination: [worker.name], timeout: .seconds(30))
        #expect(try only(await again.ping(), from: worker.name) == "pong")
        #expect(try await twin.send(MatrixTasks.add(2, 3)).get(timeout: .seconds(60)) == 5)

        await worker.stop()
        await twin.close()
        await app.close()
        await server.stop()
    }
}
#endif
