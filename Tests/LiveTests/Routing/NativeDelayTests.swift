import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Logging
import NIOConcurrencyHelpers
import Testing

#if AMQP
/// Tasks with a time for quorum queues, beside a Python worker and client with the same settings: RabbitMQ keeps them in
/// Celery's levels until shortly before.
@Suite("Native delayed delivery", .serialized)
struct NativeDelayTests {
    private static let add = TaskDefinition<Int, Int, Int>("tasks.add")
    private static let again = TaskDefinition<Int, Int>("tasks.again")
    private static let sum = TaskDefinition<[Int], Int>("tasks.sum_ints")
    /// The level in which a task of a minute waits first, for 32 seconds.
    private static let firstLevel = "celery_delayed_5"

    /// Applications in both languages whose queues are quorum queues behind a topic exchange.
    private struct Site {
        let site: BrokerSite
        let app: CeleryApp
        let python: PythonPeer
        /// The tasks that the Swift workers ran, and whether the message of each had come through a level.
        let arrivals = NIOLockedValueBox<[(task: String, byLevel: Bool)]>([])

        /// Starts a broker. With `countsChords` false the results lie in files, where nobody counts the parts of chords.
        init(levels: String = "quorum", release: RabbitMQRelease? = nil, countsChords: Bool = true) async throws {
            site = try await BrokerSite(.rabbitMQ, release: release)
            let results = countsChords ? site.results : "file://\(site.folder.path)"
            let yaml = """
                broker_native_delayed_delivery_queue_type: \(levels)
                task_default_queue: video
                task_queues:
                  - name: video
                    exchange: {name: media, type: topic}
                    routing_key: video.import
                    queue_arguments: {x-queue-type: quorum}
                  - name: spare
                    exchange: {name: media, type: topic}
                    routing_key: video.spare
                    queue_arguments: {x-queue-type: quorum}
                result_chord_retry_interval: 2
                """
            let settings = try CelerySettings(yaml: Array(yaml.utf8))
            var logger = Logger(label: "live")
            logger.logLevel = .critical
            app = try CeleryApp(
                broker: site.broker, results: results, configuration: settings.configuration, logger: logger)
            var given = try #require(try WireYAML.decode(Array(yaml.utf8)).objectValue)
            // Python may have levels of the other type: whoever is first declares them.
            given["broker_native_delayed_delivery_queue_type"] = "quorum"
            python = PythonPeer(
                broker: site.broker, results: results,
                settings: site.python.settings.merging(Dictionary(given.map { ($0, $1) }) { $1 }) { $1 })
        }

        func worker(_ queue: String = "video") -> TaskWorker {
            let arrivals = arrivals
            let hooks = WorkerHooks(preTask: { context in
                let level = context.request.headers["x-death"]?[0]?["queue"]?.stringValue
                let byLevel = level?.hasPrefix("celery_delayed_") == true
                arrivals.withLockedValue { $0.append((context.request.name, byLevel)) }
            })
            let configuration = WorkerConfiguration(
                queues: [TaskQueue(queue)], nodeName: "\(queue)@live", hooks: hooks)
            return app.worker(configuration) {
                NativeDelayTests.add.handler { $0 + $1 }
                NativeDelayTests.sum.handler { $0.reduce(0, +) }
                NativeDelayTests.again.handler { context, times in
                    if context.retries < times { try context.retry(after: .seconds(2)) }
                    return context.retries
                }
            }
        }

        var arrived: [Bool] { arrivals.withLockedValue { $0.map { $0.byLevel } } }
        /// Those of the task that asks for the results of a chord's parts.
        var unlocks: [Bool] {
            arrivals.withLockedValue { $0.filter { $0.task == "celery.chord_unlock" }.map { $0.byLevel } }
        }

        func waiting(_ queue: String) async throws -> Int { try await site.server.messages(in: queue).waiting }

        func close() async {
            await app.close()
            await site.close()
        }
    }

    @Test(
        "Python's tasks come to a Swift worker by the levels that it made", .timeLimit(.minutes(5)),
        arguments: RabbitMQRelease.available)
    func toSwift(_ release: RabbitMQRelease) async throws {
        let site = try await Site(release: release)
        try await withRunning(site.worker()) {
            let driver = try await site.python.startDriver()
            let id = try await driver.send("tasks.add", [2, 3], options: ["countdown": 2])
            #expect(try await driver.get(id) == .success(5))
            #expect(site.arrived == [true])

            // A step of a chain, which the Swift worker sends.
            let steps: WireValue = [
                ["task": "tasks.add", "args": [1, 2]],
                ["task": "tasks.add", "args": [3], "options": ["countdown": 2]],
            ]
            let chain = try await driver.ask("canvas", ["canvas": ["chain": steps]])
            #expect(try await driver.get(try #require(chain["id"]?.stringValue)) == .success(6))
            #expect(site.arrived == [true, false, true])

            _ = try await driver.send("tasks.add", [1, 1], options: ["countdown": 60])
            try await until { try await site.waiting(Self.firstLevel) == 1 }
            await driver.stop()
        }
        await site.close()
    }

    @Test("A Swift worker's retries go by the levels, however many there are", .timeLimit(.minutes(5)))
    func retries() async throws {
        let site = try await Site()
        try await withRunning(site.worker()) {
            // RabbitMQ would drop a message that its record of deaths shows to go round in circles.
            let times = try await site.app.send(Self.again(3)).get(timeout: .seconds(60))
            #expect(times == 3)
        }
        #expect(site.arrived == [false, true, true, true])
        await site.close()
    }

    @Test(
        "What asks for a chord's results goes by the levels, run by Swift for Python and by Python for Swift",
        .timeLimit(.minutes(5)))
    func chords() async throws {
        let site = try await Site(countsChords: false)
        try await withRunning(site.worker()) {
            let driver = try await site.python.startDriver()
            let tree: WireValue = [
                "chord": [
                    ["task": "tasks.add", "args": [1, 1]],
                    ["task": "tasks.add", "args": [2, 2], "options": ["queue": "spare"]],
                ],
                "body": ["task": "tasks.sum_ints"],
            ]
            let answer = try await driver.ask("canvas", ["canvas": tree])
            let id = try #require(answer["id"]?.stringValue)
            // Nobody serves the queue of the second part before, so the second message is the Swift worker's.
            await until { site.unlocks.count >= 2 }
            let outcome = try await withRunning(site.worker("spare")) { try await driver.get(id) }
            #expect(outcome == .success(6))
            await driver.stop()
        }
        let unlocks = site.unlocks
        #expect(unlocks.count >= 2 && unlocks.allSatisfy { $0 }, "\(unlocks)")

        let python = try await site.python.startWorker(queues: ["video"])
        let second = Self.add(2, 2).with(SendOptions(queue: "spare"))
        let joined = try await site.app.send(chord([Self.add(1, 1), second], body: Self.sum))
        // The level of two seconds gets what Python sends anew, since the first message waits for one.
        let broker = site.app.client.broker
        try await until { try await broker.depth(of: "celery_delayed_1") == 1 }
        let total = try await withRunning(site.worker("spare")) { try await joined.get(timeout: .seconds(60)) }
        #expect(total == 6)
        await python.stop()
        await site.close()
    }

    @Test(
        "Swift's tasks come to a Python worker, also those sent before it first started", .timeLimit(.minutes(5)),
        arguments: RabbitMQRelease.available)
    func toPython(_ release: RabbitMQRelease) async throws {
        let site = try await Site(release: release)
        let delayed = SendOptions(countdown: .seconds(2))
        // Nobody has declared anything.
        let early = try await site.app.send(Self.add(3, 4).with(delayed))
        let worker = try await site.python.startWorker()
        #expect(try await early.get(timeout: .seconds(60)) == 7)

        let seen = try await site.app.send(Signature("tasks.request").with(delayed)).get(timeout: .seconds(60))
        // RabbitMQ tells the exchange of the last level, which hands on to the one that queues are bound to.
        #expect(seen["exchange"] == "celery_delayed_0")
        let key = seen["routing_key"]?.stringValue ?? ""
        // 28 bits with their dots.
        #expect(key.hasPrefix("0.0.0.") && key.hasSuffix(".video.import") && key.utf8.count == 56 + 12)
        #expect(seen["eta"]?.stringValue != nil)

        let retried = TaskDefinition<Int, Int, Int>("tasks.retry_until")
        #expect(try await site.app.send(retried(2, 1).with(delayed)).get(timeout: .seconds(60)) == 2)

        try await site.app.send(Self.add(1, 1).with(SendOptions(countdown: .seconds(60))))
        try await until { try await site.waiting(Self.firstLevel) == 1 }
        await worker.stop()
        await site.close()
    }

    @Test("Levels of the other type are used as they are", .timeLimit(.minutes(5)))
    func otherType() async throws {
        let site = try await Site(levels: "classic")
        let worker = try await site.python.startWorker()
        let delayed = SendOptions(countdown: .seconds(2))
        #expect(try await site.app.send(Self.add(3, 4).with(delayed)).get(timeout: .seconds(60)) == 7)
        await worker.stop()
        try await withRunning(site.worker()) {
            let sum = try await site.app.send(Self.add(4, 4).with(delayed)).get(timeout: .seconds(60))
            #expect(sum == 8)
        }
        #expect(site.arrived == [true])
        await site.close()
    }

    @Test(
        "Without the right to make the levels, tasks are sent at once, and the worker waits", .timeLimit(.minutes(5)))
    func withoutRight() async throws {
        let site = try await Site()
        guard case .rabbitMQ(let server) = site.site.server else { return }
        try await server.rabbitmqctl("add_user", "limited", "limited")
        try await server.rabbitmqctl("set_permissions", "limited", "^(?!celery_delayed)", ".*", ".*")
        let app = try CeleryApp(
            broker: site.site.broker.replacing("guest:guest", with: "limited:limited"), results: "rpc://",
            configuration: site.app.configuration)
        let worker = app.worker(WorkerConfiguration(queues: ["video"])) { Self.add.handler { $0 + $1 } }
        try await withRunning(worker) {
            let delayed = SendOptions(countdown: .seconds(2))
            let sum = try await app.send(Self.add(4, 4).with(delayed)).get(timeout: .seconds(60))
            #expect(sum == 8)
        }
        #expect(try await !server.rabbitmqctl("--silent", "list_queues", "name").contains("celery_delayed"))
        await app.close()
        await site.close()
    }

    @Test("A worker refuses a stream by its name", .timeLimit(.minutes(5)))
    func stream() async throws {
        let site = try await Site()
        var configuration = CeleryConfiguration()
        configuration.queues = [TaskQueue("events", arguments: ["x-queue-type": "stream"])]
        let app = try CeleryApp(broker: site.site.broker, configuration: configuration)
        let worker = app.worker { Self.add.handler { $0 + $1 } }
        let error = await #expect(throws: (any Error).self) { try await withRunning(worker) {} }
        #expect(error.map { "\($0)".contains("The queue events is a stream") } == true)
        await app.close()
        await site.close()
    }
}
#endif
