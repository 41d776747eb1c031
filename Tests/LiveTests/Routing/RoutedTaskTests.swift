import Celeriac
import CeleriacTestKit
import CeleriacWire
import Logging
import NIOConcurrencyHelpers
import Testing

/// Tasks that go through exchanges, beside a Python worker and client with the same settings.
@Suite("Routed tasks", .serialized)
struct RoutedTaskTests {
    private static let queues = """
        task_queues:
          - {name: celery, exchange: {name: celery}, routing_key: celery}
          - {name: video, exchange: {name: media, type: topic}, routing_key: "video.#"}
          - name: image
            bindings:
              - {exchange: {name: media, type: topic}, routing_key: "*.image"}
              - {exchange: {name: pictures, type: direct}, routing_key: png}
          - {name: everyone, broadcast: true}
        task_routes:
          tasks.multiply: {queue: image, routing_key: a.image}
        """

    /// Queues that compare the headers of messages. RabbitMQ ignores the routing keys.
    private static let headed = """
        task_queues:
          - {name: celery, exchange: {name: celery}, routing_key: celery}
          - name: pdf
            exchange: {name: documents, type: headers}
            binding_arguments: {x-match: all, kind: pdf, urgency: high}
          - name: some
            exchange: {name: documents, type: headers}
            binding_arguments: {x-match: any, kind: text, urgency: high}
        """

    /// Applications in both languages with such queues, and counted runs of Swift workers.
    private struct Site {
        let site: BrokerSite
        let app: CeleryApp
        let driver: PythonDriver
        let python: PythonPeer
        let runs = NIOLockedValueBox<[String: Int]>([:])

        init(_ kind: BrokerSite.Kind, queues: String = RoutedTaskTests.queues) async throws {
            site = try await BrokerSite(kind)
            let yaml = Array(queues.utf8)
            let settings = try CelerySettings(yaml: yaml)
            var logger = Logger(label: "live")
            logger.logLevel = .critical
            app = try CeleryApp(
                broker: site.broker, results: site.results, configuration: settings.configuration, logger: logger)
            let given = try #require(try WireYAML.decode(yaml).objectValue)
            python = PythonPeer(
                broker: site.broker, results: site.results,
                settings: site.python.settings.merging(Dictionary(given.map { ($0, $1) }) { $1 }) { $1 })
            driver = try await python.startDriver()
        }

        func worker(_ name: String, queues: [TaskQueue]) -> TaskWorker {
            let runs = runs
            return app.worker(WorkerConfiguration(queues: queues, nodeName: name)) {
                TaskDefinition<Int, Int, Int>("tasks.add").handler { first, second in
                    runs.withLockedValue { $0[name, default: 0] += 1 }
                    return first + second
                }
                TaskDefinition<Int, Int, Int>("tasks.multiply").handler { first, second in
                    runs.withLockedValue { $0[name, default: 0] += 1 }
                    return first * second
                }
            }
        }

        func count(_ name: String) -> Int { runs.withLockedValue { $0[name] ?? 0 } }

        func close() async {
            await driver.stop()
            await app.close()
            await site.close()
        }
    }

    @Test(
        "A topic exchange leads Python's tasks to the Swift workers whose patterns match", .timeLimit(.minutes(5)),
        arguments: BrokerSite.Kind.available)
    func toSwift(_ kind: BrokerSite.Kind) async throws {
        let site = try await Site(kind)
        let (video, image) = (site.worker("video", queues: ["video"]), site.worker("image", queues: ["image"]))
        try await withRunning(video) {
            try await withRunning(image) {
                // On Redis, kombu knows the type of an exchange only by a queue that is bound to it.
                func send(_ queue: String, _ key: String, exchange: String? = nil) async throws {
                    var options: [String: WireValue] = ["queue": .string(queue), "routing_key": .string(key)]
                    if let exchange { options["exchange"] = .string(exchange) }
                    let id = try await site.driver.send("tasks.add", [2, 3], options: options)
                    #expect(try await site.driver.get(id) == .success(5))
                }
                try await send("video", "video.cut.hd")
                #expect(site.count("video") == 1 && site.count("image") == 0)
                try await send("video", "large.image")
                try await send("image", "png", exchange: "pictures")
                #expect(site.count("video") == 1 && site.count("image") == 2)
                // Both patterns match.
                try await send("video", "video.image")
                try await until("both queues to get it") { site.count("video") == 2 && site.count("image") == 3 }
                // By the route of its name.
                let id = try await site.driver.send("tasks.multiply", [2, 3])
                #expect(try await site.driver.get(id) == .success(6))
                #expect(site.count("image") == 4)
                // The next step of a workflow has a route of its own.
                let steps: WireValue = [
                    ["task": "tasks.add", "args": [1, 2], "options": ["queue": "image"]],
                    [
                        "task": "tasks.add", "args": [3],
                        "options": ["exchange": "media", "routing_key": "video.next"],
                    ],
                ]
                let chain = try await site.driver.ask("canvas", ["canvas": ["chain": steps]])
                #expect(try await site.driver.get(try #require(chain["id"]?.stringValue)) == .success(6))
                #expect(site.count("video") == 3 && site.count("image") == 5)
            }
        }
        await site.close()
    }

    @Test(
        "A topic exchange leads Swift's tasks to a Python worker, whose bindings need not exist before",
        .timeLimit(.minutes(5)), arguments: BrokerSite.Kind.available)
    func toPython(_ kind: BrokerSite.Kind) async throws {
        let site = try await Site(kind)
        let add = TaskDefinition<Int, Int, Int>("tasks.add")
        let multiply = TaskDefinition<Int, Int, Int>("tasks.multiply")
        // Before anybody has declared anything.
        let early = try await site.app.send(multiply(3, 4))
        let worker = try await site.python.startWorker(queues: ["image", "celery"])
        #expect(try await early.get(timeout: .seconds(60)) == 12)
        let keyed = SendOptions(exchange: "media", routingKey: "small.image")
        #expect(try await site.app.send(add(1, 2).with(keyed)).get(timeout: .seconds(60)) == 3)
        let direct = SendOptions(exchange: "pictures", routingKey: "png")
        #expect(try await site.app.send(add(1, 3).with(direct)).get(timeout: .seconds(60)) == 4)
        // Nobody would get it.
        let nowhere = SendOptions(exchange: "pictures", routingKey: "gif")
        await #expect(throws: CeleriacError.self) { try await site.app.send(add(1, 2).with(nowhere)) }
        await worker.stop()
        await site.close()
    }

    @Test(
        "An exchange of headers leads Python's tasks to the Swift workers whose headers match", .timeLimit(.minutes(5)),
        arguments: BrokerSite.Kind.available.filter { $0 == .rabbitMQ })
    func headersToSwift(_ kind: BrokerSite.Kind) async throws {
        let site = try await Site(kind, queues: Self.headed)
        let (pdf, some) = (site.worker("pdf", queues: ["pdf"]), site.worker("some", queues: ["some"]))
        try await withRunning(pdf) {
            try await withRunning(some) {
                func send(_ headers: WireValue) async throws {
                    // The queue names the exchange alone.
                    let id = try await site.driver.send(
                        "tasks.add", [2, 3], options: ["queue": "pdf", "headers": headers])
                    let outcome = try await site.driver.get(id)
                    #expect(outcome == .success(5))
                }
                try await send(["kind": "text"])
                #expect(site.count("pdf") == 0 && site.count("some") == 1)
                // All of the one, and any of the other.
                try await send(["kind": "pdf", "urgency": "high"])
                try await until("both queues to get it") { site.count("pdf") == 1 && site.count("some") == 2 }
                // Not all of the one.
                try await send(["kind": "sheet", "urgency": "high"])
                #expect(site.count("pdf") == 1 && site.count("some") == 3)
            }
        }
        await site.close()
    }

    @Test(
        "An exchange of headers leads Swift's tasks to Python workers, and what nothing matches is an error",
        .timeLimit(.minutes(5)), arguments: BrokerSite.Kind.available.filter { $0 == .rabbitMQ })
    func headersToPython(_ kind: BrokerSite.Kind) async throws {
        let site = try await Site(kind, queues: Self.headed)
        let add = TaskDefinition<Int, Int, Int>("tasks.add")
        func options(_ queue: String, _ headers: WireObject) -> SendOptions {
            SendOptions(queue: queue, headers: headers)
        }
        // Before anybody has declared anything.
        let early = try await site.app.send(add(1, 2).with(options("pdf", ["kind": "pdf", "urgency": "high"])))
        let pdf = try await site.python.startWorker(queues: ["pdf"])
        #expect(try await early.get(timeout: .seconds(60)) == 3)
        // Nobody has declared the queue `some`.
        for headers in [["kind": "pdf"], ["kind": "text"], [:]] as [WireObject] {
            let error = await #expect(throws: CeleriacError.self) {
                try await site.app.send(add(1, 2).with(options("pdf", headers)))
            }
            #expect(error?.code == .publishFailed)
        }
        await pdf.stop()
        let some = try await site.python.startWorker(queues: ["some"])
        let loose = try await site.app.send(add(1, 3).with(options("some", ["kind": "text"])))
        #expect(try await loose.get(timeout: .seconds(60)) == 4)
        await some.stop()
        await site.close()
    }

    @Test(
        "Redis has no exchanges of headers, for neither language", .timeLimit(.minutes(5)),
        arguments: BrokerSite.Kind.available.filter { $0 == .redis })
    func noHeaders(_ kind: BrokerSite.Kind) async throws {
        let site = try await Site(kind, queues: Self.headed)
        let options: [String: WireValue] = ["queue": "pdf", "headers": ["kind": "pdf", "urgency": "high"]]
        let theirs = await #expect(throws: TestKitError.self) {
            try await site.driver.send("tasks.add", [2, 3], options: options)
        }
        #expect(theirs?.message.contains("KeyError: 'headers'") == true, "\(theirs?.message ?? "")")
        let ours = await #expect(throws: CeleriacError.self) {
            let add = TaskDefinition<Int, Int, Int>("tasks.add")
            try await site.app.send(add(2, 3).with(SendOptions(queue: "pdf", headers: ["kind": "pdf"])))
        }
        #expect(ours?.code == .unsupported)
        let worker = await #expect(throws: CeleriacError.self) { try await site.worker("w", queues: ["pdf"]).run() }
        #expect(worker?.code == .configuration)
        await site.close()
    }

    @Test(
        "Every worker gets what is sent to a broadcast queue, from either language", .timeLimit(.minutes(5)),
        arguments: BrokerSite.Kind.available)
    func broadcast(_ kind: BrokerSite.Kind) async throws {
        let site = try await Site(kind)
        let add = TaskDefinition<Int, Int, Int>("tasks.add")
        let python = try await site.python.startWorker(queues: ["everyone"])
        // On Redis, a Python worker that is ready has not subscribed yet.
        #expect(try await site.driver.ping().isEmpty == false, "the worker answers")
        #expect(try await site.app.send(add(1, 2).with(SendOptions(queue: "everyone"))).get(timeout: .seconds(60)) == 3)
        await python.stop()
        let workers = (0..<2).map { site.worker("w\($0)", queues: [.broadcast("everyone")]) }
        try await withRunning(workers[0]) {
            try await withRunning(workers[1]) {
                _ = try await site.driver.send("tasks.add", [2, 3], options: ["queue": "everyone"])
                try await until("both workers to get Python's") { site.count("w0") == 1 && site.count("w1") == 1 }
                try await site.app.send(add(1, 2).with(SendOptions(queue: "everyone")))
                try await until("both workers to get Swift's") { site.count("w0") == 2 && site.count("w1") == 2 }
            }
        }
        // Nobody listens any more, and nothing is kept for those who do not.
        _ = try await site.app.send(add(1, 2).with(SendOptions(queue: "everyone")))
        await site.close()
    }

    @Test(
        "Remote control adds a consumer with an exchange, and tells of it", .timeLimit(.minutes(5)),
        arguments: BrokerSite.Kind.available)
    func addConsumer(_ kind: BrokerSite.Kind) async throws {
        let site = try await Site(kind)
        let worker = site.worker("swift@control", queues: ["celery"])
        try await withRunning(worker) {
            // The worker takes messages before it listens to remote control.
            let answers = try await site.driver.ping()
            #expect(!answers.isEmpty, "the worker answers")
            #expect(
                try await site.driver.controlled(
                    "add_consumer",
                    [
                        "queue": "late", "exchange": "media", "exchange_type": "topic", "routing_key": "late.#",
                    ]) == ["ok": "add consumer late"])
            let id = try await site.driver.send(
                "tasks.add", [2, 3], options: ["queue": "video", "routing_key": "late.a.b"])
            #expect(try await site.driver.get(id) == .success(5))
            let queues = try await site.driver.inspected("active_queues")?.arrayValue ?? []
            let late = try #require(queues.first { $0["name"] == "late" })
            #expect(late["exchange"]?["name"] == "media" && late["exchange"]?["type"] == "topic")
            #expect(late["routing_key"] == "late.#")
            // One that the settings define comes with its own exchange, whatever is asked.
            #expect(
                try await site.driver.controlled(
                    "add_consumer", ["queue": "video", "exchange": "other", "routing_key": "other"])
                    == ["ok": "add consumer video"])
            let other = try await site.driver.send(
                "tasks.add", [3, 3], options: ["queue": "video", "routing_key": "video.x"])
            #expect(try await site.driver.get(other) == .success(6))
        }
        await site.close()
    }

    @Test(
        "A worker serves a queue of its own name, if asked to", .timeLimit(.minutes(5)),
        arguments: BrokerSite.Kind.available)
    func direct(_ kind: BrokerSite.Kind) async throws {
        let site = try await BrokerSite(kind)
        let settings = try CelerySettings(yaml: Array("worker_direct: true".utf8))
        let app = try CeleryApp(broker: site.broker, results: site.results, configuration: settings.configuration)
        let worker = app.worker(WorkerConfiguration(queues: ["celery"], nodeName: "w1@here")) { MatrixTasks.handlers }
        let driver = try await site.python.startDriver()
        try await withRunning(worker) {
            let id = try await driver.send("tasks.add", [2, 3], options: ["queue": "w1@here.dq2"])
            #expect(try await driver.get(id) == .success(5))
        }
        await driver.stop()
        await app.close()
        await site.close()
    }
}
