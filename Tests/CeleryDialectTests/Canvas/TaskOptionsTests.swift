import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryDialect
import CeleryWire
import NIOConcurrencyHelpers
import Testing

/// The options of tasks, and the application's settings by Celery's names.
@Suite("Task options", .timeLimit(.minutes(5)))
struct TaskOptionsTests {
    private typealias Site = WorkflowSite
    private struct Flaky: Error {}
    private struct Other: Error {}

    @Test("errors of the named types are retried automatically, others are not, and the last one is the failure")
    func autoretry() async throws {
        let site = Site()
        let runs = NIOLockedValueBox<[String: Int]>([:])
        func task(_ name: String, _ errors: RetriedErrors, _ error: any Error & Sendable) -> TaskHandler {
            let policy = RetryPolicy(maximumRetries: 2, delay: .exponential(base: .zero, maximum: .zero))
            return TaskHandler(name, options: TaskOptions(retry: policy, retriedErrors: errors)) { _ in
                runs.withLockedValue { $0[name, default: 0] += 1 }
                throw error
            }
        }
        let tasks: [(String, RetriedErrors, any Error & Sendable, runs: Int, String)] = [
            ("type", RetriedErrors(Flaky.self), Flaky(), 3, "Flaky"),
            ("other", RetriedErrors(Flaky.self), Other(), 1, "Other"),
            ("name", RetriedErrors(failures: ["KeyError"]), TaskFailure("KeyError", "k"), 3, "KeyError"),
            ("all", .all, Other(), 3, "Other"),
            ("except", .all.except(Other.self), Other(), 1, "Other"),
            ("exceptName", .all.except(failures: ["KeyError"]), TaskFailure("KeyError", "k"), 1, "KeyError"),
            ("none", RetriedErrors(), Flaky(), 1, "Flaky"),
        ]
        try await site.serves(WorkerConfiguration(queues: ["celery"]), tasks.map { task($0.0, $0.1, $0.2) }) {
            for (name, _, _, expected, type) in tasks {
                let id = try await site.app.send(Signature(name)).id
                #expect(try await site.failure(of: id)?.type == type, "\(name)")
                #expect(runs.withLockedValue { $0[name] } == expected, "\(name)")
            }
        }
    }

    @Test("annotations say how often and when a task is retried, but a growing delay stays")
    func annotatedRetries() async throws {
        let yaml = """
            task_annotations:
              "*": {default_retry_delay: 0}
              once: {max_retries: 1, priority: 3, rate: 1}
              other: {acks_on_failure_or_timeout: false}
              growing: {max_retries: 2, default_retry_delay: 3600}
            """
        let settings = try CelerySettings(yaml: Array(yaml.utf8))
        #expect(
            settings.notices == [
                "task_annotations of 'once' sets priority, which has no effect: senders decide it: write it in"
                    + " task_routes, or name it where the task is sent"
            ])
        #expect(settings.warnings == ["task_annotations of 'once' has the unknown key 'rate', which sets nothing"])
        let annotations = settings.configuration.taskAnnotations
        let other = TaskOptions(acknowledgesOnFailure: false, acknowledgesOnTimeout: false)
        #expect(annotations["other"] == other)
        let site = Site { $0.taskAnnotations = annotations }
        let runs = NIOLockedValueBox<[String: Int]>([:])
        func task(_ name: String, _ retry: RetryPolicy?) -> TaskHandler {
            TaskHandler(name, options: TaskOptions(retry: retry, retriedErrors: .all)) { _ in
                runs.withLockedValue { $0[name, default: 0] += 1 }
                throw Flaky()
            }
        }
        let soon = RetryPolicy(maximumRetries: 9, delay: .exponential(base: .zero, maximum: .zero))
        let tasks = [task("once", nil), task("growing", soon), task("usual", nil)]
        try await site.serves(WorkerConfiguration(queues: ["celery"]), tasks) {
            for (name, expected) in [("once", 2), ("growing", 3), ("usual", 4)] {
                let id = try await site.app.send(Signature(name)).id
                #expect(try await site.failure(of: id)?.type == "Flaky")
                #expect(runs.withLockedValue { $0[name] } == expected, "\(name)")
            }
        }
        let forever = try CelerySettings(yaml: Array("task_annotations: {a: {max_retries: null}}".utf8))
        #expect(forever.configuration.taskAnnotations["a"]?.retryLimit == .max)
        let lost = try CelerySettings(yaml: Array("task_reject_on_worker_lost: false".utf8))
        #expect(lost.notices.count == 1 && lost.notices.first?.contains("come back") == true)
    }

    @Test("the application sets what a task leaves open, and annotations win")
    func layers() async throws {
        let settings = try CelerySettings(
            yaml: Array(
                """
                broker_url: memory://
                result_backend: memory://
                task_acks_late: false
                task_acks_on_failure_or_timeout: false
                task_acks_on_timeout: true
                task_ignore_result: true
                task_store_errors_even_if_ignored: true
                task_track_started: true
                task_time_limit: 60
                task_soft_time_limit: 50.5
                task_default_rate_limit: 10/m
                task_default_queue: math
                task_default_priority: 3
                task_serializer: yaml
                task_compression: zlib
                task_protocol: 1
                task_reject_on_worker_lost: true
                task_routes: {tasks.a: {queue: slow}, tasks.b: fast}
                task_annotations: {"*": {rate_limit: 1/s}, tasks.a: {time_limit: 5, acks_late: true}}
                accept_content: [json, msgpack]
                result_expires: 3600
                result_extended: true
                result_serializer: msgpack
                result_accept_content: [application/json, msgpack]
                result_compression: gzip
                result_persistent: true
                result_chord_retry_interval: 0.5
                broker_transport_options: {visibility_timeout: 60, global_keyprefix: "x:", priority_steps: [0, 5], sep: ":", maximum_eta_hold: 90, maximum_parked: 7, parked_lifetime: 8.5, dead_letter_exchange: dead, dead_letter_routing_key: key}
                result_backend_transport_options: {global_keyprefix: "r"}
                worker_concurrency: 3
                worker_prefetch_multiplier: 2
                worker_deduplicate_successful_tasks: true
                worker_send_task_events: true
                task_send_sent_event: true
                task_inherit_parent_priority: true
                worker_enable_remote_control: false
                control_exchange: mine
                control_queue_ttl: null
                control_queue_expires: 60
                control_queue_exclusive: false
                control_queue_durable: true
                """.utf8))
        let configuration = settings.configuration
        #expect(settings.broker == "memory://" && settings.results == "memory://")
        #expect(
            configuration.taskDefaults
                == TaskOptions(
                    acknowledgement: .early, ignoresResult: true, storesErrorsEvenIfIgnored: true, tracksStarted: true,
                    timeLimits: TimeLimits(soft: .seconds(50.5), hard: .seconds(60)), rateLimit: RateLimit("10/m"),
                    acknowledgesOnFailure: false, acknowledgesOnTimeout: true))
        #expect(configuration.taskAnnotations["*"] == TaskOptions(rateLimit: RateLimit("1/s")))
        #expect(
            configuration.taskAnnotations["tasks.a"]
                == TaskOptions(acknowledgement: .late, timeLimits: TimeLimits(hard: .seconds(5))))
        #expect(configuration.defaultQueue == "math")
        #expect(configuration.routes["tasks.a"] == "slow" && configuration.routes["tasks.b"] == "fast")
        #expect(
            configuration.sendOptions == SendOptions(priority: 3, serializer: .yaml, compression: .zlib))
        #expect(configuration.taskProtocol == 1 && configuration.acceptContent == [.json, .msgpack])
        #expect(configuration.resultExpiry == .seconds(3600) && configuration.resultExtended)
        #expect(configuration.resultSerializer == .msgpack && configuration.resultAcceptContent == [.json, .msgpack])
        #expect(configuration.resultCompression?.rawValue == "gzip" && configuration.resultPersistent)
        #expect(configuration.chordRetryInterval == .milliseconds(500) && configuration.resultKeyPrefix == "r")
        #expect(configuration.redis.visibilityTimeout == .seconds(60) && configuration.redis.keyPrefix == "x:")
        #expect(configuration.amqp.maximumETAHold == .seconds(90))
        #expect(configuration.redis.prioritySteps == [0, 5] && configuration.redis.separator == ":")
        #expect(configuration.control.sendsTaskEvents && !configuration.control.isEnabled)
        #expect(configuration.sendsSentEvents && configuration.inheritsParentPriority)
        let control = configuration.control
        #expect(control.namespace == "mine" && control.queueTTL == nil && control.queueExpiry == .seconds(60))
        #expect(!control.isQueueExclusive && control.isQueueDurable)
        #expect(settings.worker.concurrency == 3 && settings.worker.prefetchMultiplier == 2)
        #expect(settings.worker.queues == ["math"] && settings.worker.deduplicatesSuccessfulTasks)
        #expect(settings.worker.maximumParkedMessages == 7 && settings.worker.parkedMessageLifetime == .seconds(8.5))
        #expect(settings.worker.deadLetterExchange == "dead" && settings.worker.deadLetterRoutingKey == "key")

        let environment = ["CELERY_BROKER_URL": "memory://", "CELERY_RESULT_EXPIRES": "null", "CELERY_APP": "x"]
        let fromEnvironment = try CelerySettings(environment: environment)
        #expect(fromEnvironment.configuration.resultExpiry == nil && fromEnvironment.broker == "memory://")
        _ = try CeleryApp(settings: fromEnvironment)

        // Zero is for ever too, and more than zero is that long.
        for (seconds, lifetime) in [("0", Duration?.none), ("60", .seconds(60))] {
            let settings = try CelerySettings(
                environment: ["CELERY_BROKER_URL": "memory://", "CELERY_RESULT_EXPIRES": seconds])
            let app = try CeleryApp(settings: settings)
            #expect(app.client.configuration.resultExpiry == lifetime)
            await app.close()
        }
    }

    @Test(
        "invalid settings are refused by name",
        arguments: [
            ("task_acks_late: 5", "task_acks_late"),
            ("task_default_rate_limit: fast", "task_default_rate_limit"), ("task_protocol: 3", "task_protocol"),
            ("accept_content: [pickle]", "accept_content"), ("result_serializer: pickle", "pickle"),
            ("result_serializer: raw", "result_serializer"),
            ("result_accept_content: [pickle]", "result_accept_content"),
            ("result_accept_content: json", "result_accept_content"), ("result_compression: rar", "result_compression"),
            ("result_persistent: 2", "result_persistent"), ("result_expires: -1", "result_expires"),
            ("task_reject_on_worker_lost: 5", "task_reject_on_worker_lost"),
            ("task_annotations: {tasks.a: {max_retries: -1}}", "tasks.a"),
            ("task_annotations: {tasks.a: {max_retries: 1.5}}", "max_retries"),
            ("worker_concurrency: -1", "worker_concurrency"),
            ("task_routes: {tasks.a: 5}", "tasks.a"), ("task_routes: {tasks.a: ''}", "tasks.a"),
            ("task_routes: {tasks.a: {queue: q, priority: 300}}", "priority"),
            ("task_routes: {tasks.a: {queue: q, delivery_mode: 3}}", "delivery_mode"),
            ("task_routes: {tasks.a: {queue: q, compression: rar}}", "compression"),
            ("task_default_delivery_mode: 0", "task_default_delivery_mode"),
            ("task_repr_maxlevels: -1", "task_repr_maxlevels"),
            ("task_routes: {tasks.a: {}}", "tasks.a"), ("task_routes: [proj.router]", "proj.router"),
            ("task_routes: {re.compile('('): q}", "("), ("task_queues: {a: {colour: red}}", "colour"),
            ("task_queues: [{exchange: x}]", "name"), ("task_queues: 5", "task_queues"),
            ("task_default_queue_type: stream", "task_default_queue_type"),
            ("- 1", "settings"), ("a: [", "YAML"),
            ("control_queue_durable: true", "control_queue_exclusive"), ("control_queue_ttl: x", "control_queue_ttl"),
        ])
    func refusals(_ yaml: String, _ named: String) {
        let error = #expect(throws: CeleriacError.self) { try CelerySettings(yaml: Array(yaml.utf8)) }
        #expect(error?.code == .configuration && error?.message.contains(named) == true, "\(error?.message ?? "")")
    }

    @Test("defaults and annotations apply to the tasks of a worker")
    func configured() async throws {
        let site = Site {
            $0.taskDefaults = TaskOptions(ignoresResult: true, tracksStarted: true)
            $0.taskAnnotations = ["tasks.kept": TaskOptions(ignoresResult: false)]
        }
        let release = Gate()
        let own = TaskOptions(ignoresResult: true)
        let tasks = [
            TaskHandler("tasks.kept", options: own) { _ in
                await release.wait()
                return 1
            },
            TaskHandler("tasks.ignored") { _ in 1 },
        ]
        try await site.serves(WorkerConfiguration(queues: ["celery"], concurrency: 1), tasks) {
            // These look like messages from a sender that does not know the task and leaves it to the worker whether to
            // store the result.
            for name in ["tasks.kept", "tasks.ignored"] {
                var message = CeleryTaskMessage(task: name, id: name)
                message.ignoreResult = nil
                try await site.publish(message)
            }
            let kept: AsyncResult<Int> = site.app.result("tasks.kept")
            while try await kept.status() != .started { await Task.yield() }
            release.open()
            #expect(try await kept.get() == 1)
            // The worker runs one task at a time, so this one runs after the others.
            #expect(try await site.app.send(Site.add(1, 2), ignoresResult: false).get() == 3)
            let ignored: AsyncResult<Int> = site.app.result("tasks.ignored")
            #expect(try await ignored.status() == .pending)
        }
    }

    @Test("tasks go where the pattern of their name leads, by the rules of Celery's MapRoute")
    func patterns() async throws {
        let settings = try CelerySettings(
            yaml: Array(
                """
                broker_url: memory://
                task_routes: {images.large.*: large, images.*: {queue: images, routing_key: images}, images.one: one}
                """.utf8))
        let broker = MemoryBroker()
        let app = CeleryApp(broker: broker, results: nil, configuration: settings.configuration)
        let queues = [
            "images.large.a": "large", "images.small": "images", "images.one": "one", "images": "celery",
            "big.images.a": "celery",
        ]
        for task in queues.keys { _ = try await app.send([Signature<WireValue>(task)]) }
        for queue in Set(queues.values) {
            #expect(try await broker.depth(of: queue) == queues.values.count { $0 == queue }, "\(queue)")
        }
        // In code, too.
        var routes: TaskRoutes = ["a*": "short", "a.b*": "long", "a.b.c": "exact"]
        #expect(routes["a.b*"]?.queue == "long")
        routes["a.b.c"] = nil
        let context = PublicationContext(
            now: EffectBench.now, replyTo: "", defaultQueue: "celery", routes: [:], countsChords: true,
            resultExpiry: nil)
        let sent = try CeleryFormats(router: CeleryRouter(routes: routes)).publication(
            of: .task(TaskSubmission(id: "i", name: "a.b.c", arguments: [])), in: context)
        guard case .publish(let messages)? = sent.steps.first else {
            Issue.record("nothing is published")
            return
        }
        #expect(messages.map(\.routingKey) == ["short"])
        await app.close()
    }

    @Test("items go to their task's queue, and the task that polls a chord goes to its body's queue")
    func routes() async throws {
        let site = Site { $0.routes = ["tasks.add": "math", "tasks.sum": "sums"] }
        try await site.app.send(Site.add.starmap([(1, 2)]))
        try await site.app.send(Site.add.chunks([(1, 2), (3, 4)], of: 1))
        #expect(site.broker.count(in: "math") == 3 && site.broker.count(in: "celery") == 0)
        try await site.app.send(chord([Site.double(1), Site.double(2)], body: Site.sum))
        #expect(site.broker.count(in: "sums") == 1 && site.broker.count(in: "celery") == 2)
        try await site.app.send(map(Site.double.with(SendOptions(queue: "slow")), over: [1]))
        #expect(site.broker.count(in: "slow") == 1)
        await site.app.close()
    }

    @Test("settings and routes say how tasks are sent whose sender says nothing of it")
    func publishing() async throws {
        let yaml = """
            task_default_delivery_mode: transient
            task_repr_maxlevels: 1
            task_routes:
              tasks.kept: {delivery_mode: 2, compression: zlib, priority: 4}
              tasks.slow: {queue: celery, expires: 60, serializer: yaml, colour: red}
            """
        let settings = try CelerySettings(yaml: Array(yaml.utf8))
        #expect(
            settings.notices == [
                "task_routes of 'tasks.slow' sets expires, which has no effect: name it where the task is sent",
                "task_routes of 'tasks.slow' sets serializer, which has no effect: set task_serializer, or name it where"
                    + " the task is sent",
            ])
        #expect(settings.warnings == ["task_routes of 'tasks.slow' has the unknown key 'colour', which sets nothing"])
        let site = Site { $0 = settings.configuration }
        let consumer = try await site.broker.consume(ConsumerOptions(queues: ["celery"], prefetch: 10, nodeName: "w"))
        for name in ["tasks.plain", "tasks.kept"] {
            _ = try await site.app.send(Signature<WireValue>(name, arguments: [[[1]]]))
        }
        var messages: [CeleryTaskMessage] = []
        while messages.count < 2 {
            for delivery in try await consumer.next(atMost: 2) {
                messages.append(try CeleryTaskMessage.decode(try delivery.content.get()))
            }
        }
        #expect(messages.map(\.properties.deliveryMode) == [1, 2] && messages.map(\.properties.priority) == [0, 4])
        #expect(messages[0].compression == nil && messages[1].compression == .zlib)
        #expect(messages.allSatisfy { $0.argsrepr == "([...],)" }, "\(messages[0].argsrepr ?? "")")
        // Nothing is bounded by zero.
        #expect(try CelerySettings(yaml: Array("task_repr_maxlevels: null".utf8)).configuration.shownLevels == 0)
        try await consumer.close()
        await site.app.close()
    }

    @Test("a task's definition carries its send options")
    func sendOptions() async throws {
        let add = Site.add.with(SendOptions(expiresAfter: .seconds(60), priority: 4, queue: "slow"))
        let site = Site()
        let consumer = try await site.broker.consume(ConsumerOptions(queues: ["slow"], prefetch: 10, nodeName: "w"))
        try await site.app.send(add(1, 2))
        try await site.app.send(add(1, 2), priority: 7)
        try await site.app.send(Site.double(1).with(SendOptions(queue: "slow")).then(add, 5))
        var messages: [CeleryTaskMessage] = []
        while messages.count < 3 {
            for delivery in try await consumer.next(atMost: 3) {
                messages.append(try CeleryTaskMessage.decode(try delivery.content.get()))
            }
        }
        #expect(messages.map(\.properties.priority) == [4, 7, 0])
        #expect(messages[0].expires != nil && messages[0].properties.expiration == "60000")
        let next = try CelerySignature.decode(try #require(messages[2].embed.chain?[0]))
        #expect(next.options["priority"] == 4 && next.options["queue"] == "slow" && next.options["expires"] == 60)
        try await consumer.close()
        await site.app.close()
    }
}
