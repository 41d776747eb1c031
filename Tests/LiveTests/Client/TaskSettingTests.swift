import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import Logging
import Testing

#if AMQP
import CeleriacAMQP
#endif
#if Redis
import CeleriacRedis
#endif

/// What settings of tasks do to messages and to what is stored, beside Python with the same settings.
@Suite("Settings of tasks", .serialized, .timeLimit(.minutes(5)))
struct TaskSettingTests {
    #if AMQP
    /// Takes what lies in the queue `celery` of a site's broker, which nobody else serves.
    private struct Mouth {
        private let connection: AMQPConnection
        private let channel: AMQPChannel

        init(_ site: MatrixSite) async throws {
            let url = try #require(site.python.settings["broker_url"]?.stringValue)
            connection = try await AMQPConnection.connect(
                try AMQPConfiguration(url: url), on: sharedEventLoop(), logger: Logger(label: "live"))
            channel = try await connection.openChannel()
            // As everybody else declares it.
            _ = try await channel.queueDeclare("celery")
        }

        func next() async throws -> CeleryTaskMessage {
            while true {
                try Task.checkCancellation()
                guard let delivery = try await channel.get(queue: "celery", noAck: true) else { continue }
                return try CeleryTaskMessage.decode(delivery.message)
            }
        }

        func close() async { await connection.close() }
    }

    @Test("task_default_delivery_mode and task_repr_maxlevels make messages as Python's")
    func messages() async throws {
        let site = try await MatrixSite(
            .rabbitRPC, settings: "{task_default_delivery_mode: transient, task_repr_maxlevels: 1}")
        let mouth = try await Mouth(site)
        let driver = try await site.python.startDriver()
        let arguments: [WireValue] = [[[1]], "x"]
        // Of a signature Python makes a tuple, as programs do that call tasks.
        _ = try await driver.ask("canvas", ["canvas": ["task": "tasks.echo", "args": .array(arguments)]])
        let pythons = try await mouth.next()
        try await site.app.send(Signature<WireValue>("tasks.echo", arguments: arguments))
        let ours = try await mouth.next()
        #expect(pythons.properties.deliveryMode == 1 && ours.properties.deliveryMode == 1)
        #expect(pythons.argsrepr?.contains("...") == true, "\(pythons.argsrepr ?? "")")
        #expect(ours.argsrepr == pythons.argsrepr)
        await driver.stop()
        await mouth.close()
        await site.close()
    }

    @Test(
        "With task_inherit_parent_priority a task's own tasks get its priority, as in Python",
        arguments: [true, false])
    func priorities(_ inherits: Bool) async throws {
        let site = try await MatrixSite(.rabbitRPC, settings: "task_inherit_parent_priority: \(inherits)")
        let mouth = try await Mouth(site)
        let driver = try await site.python.startDriver()
        let options: [String: WireValue] = ["queue": "priorities", "priority": 5]
        let python = try await site.python.startWorker(queues: ["priorities"])
        try await driver.send("tasks.relay", options: options)
        let pythons = try await mouth.next()
        await python.stop()
        let worker = site.app.worker(queues: ["priorities"], concurrency: 1) {
            TaskHandler("tasks.relay") { context in
                try await context.send(MatrixTasks.add(1, 2), options: SendOptions(queue: "celery"))
                return .null
            }
        }
        let ours: CeleryTaskMessage = try await withRunning(worker) {
            try await driver.send("tasks.relay", options: options)
            return try await mouth.next()
        }
        #expect(pythons.task == "tasks.add" && ours.task == "tasks.add")
        #expect((pythons.properties.priority ?? 0) == (inherits ? 5 : 0))
        #expect((ours.properties.priority ?? 0) == (pythons.properties.priority ?? 0))
        await driver.stop()
        await mouth.close()
        await site.close()
    }
    #endif

    #if Redis
    @Test("result_failure_expires and result_chord_expires are how long Redis keeps what either worker stores")
    func expiries() async throws {
        let site = try await MatrixSite(
            .redis, settings: "{result_failure_expires: 1000, result_chord_expires: 2000}")
        let url = try #require(site.python.settings["broker_url"]?.stringValue)
        let redis = try await RedisConnection.connect(
            try RedisConfiguration(url: url), on: sharedEventLoop(), logger: Logger(label: "live"))
        func seconds(_ key: String) async throws -> Int { try await redis.send(RedisCommand("TTL", key)).int ?? 0 }
        /// The keys of what is counted of chords.
        func counts() async throws -> Set<String> {
            let keys = try await redis.send(RedisCommand("KEYS", "celery-taskset-meta-*.j")).array ?? []
            return Set(keys.compactMap(\.string))
        }
        let python = try await site.python.startWorker(queues: ["celery"])
        let worker = site.app.worker(queues: ["swift"], concurrency: 1) { MatrixTasks.handlers }
        let add = TaskDefinition<Int, Int, Int>("tasks.add")
        try await withRunning(worker) {
            for queue in ["celery", "swift"] {
                let options = SendOptions(queue: queue)
                let failed = try await site.app.send(
                    Signature<WireValue>("tasks.fail", arguments: ["ValueError", "no"]).with(options))
                await #expect(throws: RemoteTaskError.self) { try await failed.get(timeout: .seconds(60)) }
                let failure = try await seconds("celery-task-meta-\(failed.id)")
                #expect((1...1000).contains(failure), "\(queue): \(failure)")

                // Nobody serves the queue of the second part, so what is counted stays.
                let before = try await counts()
                let second = add(2, 2).with(SendOptions(queue: "nobody"))
                let sum = TaskDefinition<[Int], Int>("tasks.sum_ints").with(options)
                try await site.app.send(chord([add(1, 1).with(options), second], body: sum))
                try await until { try await counts().count > before.count }
                for key in try await counts().subtracting(before) {
                    let count = try await seconds(key)
                    #expect((1001...2000).contains(count), "\(queue): \(count)")
                }
            }
        }
        await python.stop()
        await redis.close()
        await site.close()
    }
    #endif
}
