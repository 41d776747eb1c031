import Celeriac
import CeleriacCore
import CeleriacTestKit
import Logging
import MachineryWire
import NIOConcurrencyHelpers
import TestSupport
import Testing

/// Tests Machinery without a server: memory, eager mode, the null backend.
@Suite("Machinery in one process", .timeLimit(.minutes(5)))
struct MachineryLocalTests {
    private func server(_ broker: String, _ backend: String) throws -> MachineryServer {
        var logger = Logger(label: "machinery")
        logger.logLevel = .critical
        return try MachineryServer(
            configuration: MachineryConfiguration(broker: broker, resultBackend: backend), logger: logger)
    }

    private func run(
        _ server: MachineryServer, _ worker: TaskWorker? = nil, _ body: @Sendable @escaping () async throws -> Void
    ) async throws {
        try await withRunning(worker ?? server.worker(consumerTag: "w") { MachineryTasks.all }, body)
        await server.close()
    }

    /// Machinery's transports that do not exist here are refused by their names.
    @Test func otherTransportsAreRefusedByName() throws {
        for (broker, backend, name) in [
            ("https://sqs.eu-west-1.amazonaws.com/1/q", "null", "SQS"), ("gcppubsub://p/s", "null", "Pub/Sub"),
            ("memory", "memcache://a:1,b:2", "Memcached"), ("memory", "mongodb://a/tasks", "MongoDB"),
            ("memory", "mongodb+srv://a/tasks", "MongoDB"), ("memory", "https://dynamodb.example", "DynamoDB"),
        ] {
            let error = #expect(throws: CeleriacError.self) { try server(broker, backend) }
            #expect(error?.code == .configuration && error?.message.contains(name) == true)
        }
    }

    @Test func settingsWithoutEffectAreTold() async throws {
        let log = LogRecorder()
        let yaml = "{broker: memory, result_backend: 'null', redis: {max_idle: 3}, colour: blue}"
        let server = try MachineryServer(
            configuration: MachineryConfiguration(yaml: Array(yaml.utf8)), logger: log.logger)
        let told = log.lines(at: .notice).map(\.text)
        #expect(told.count == 2)
        #expect(told.first?.contains("max_idle") == true && told.last?.contains("colour") == true)
        await server.close()
    }

    @Test(arguments: ["memory", "memory://", "eager"])
    func tasksAndWorkflowsRun(_ broker: String) async throws {
        let server = try server(broker, "memory")
        try await run(server) {
            let sum = try await server.send(MachineryTasks.add([1, 2]))
            let three = try await sum.get(timeout: .seconds(120))
            #expect(three == 3)
            let members = try (1...3).map { try server.signature(MachineryTasks.add([$0])) }
            let callback = try server.signature(MachineryTasks.multiply([2]))
            let chord = try await server.send(MachineryChord(MachineryGroup(members), callback: callback))
            let product = try await chord.get(timeout: .seconds(120))
            #expect(product == 12)
        }
    }

    @Test func anEagerSendReturnsWhenAllIsDone() async throws {
        let server = try server("eager", "eager")
        await #expect { try await server.send(MachineryTasks.add([1])) } throws: {
            ($0 as? CeleriacError)?.code == .unavailable
        }
        try await run(server) {
            let chain = MachineryChain([
                try server.signature(MachineryTasks.add([1])), try server.signature(MachineryTasks.add([2])),
                try server.signature(MachineryTasks.multiply([4])),
            ])
            let sent = try await server.send(chain)
            let last = try await sent[2].stored()
            #expect(last?.state == .success)
            let failing = try await server.send(MachineryTasks.failTask("boom"))
            let state = try await failing.status()
            #expect(state == .failure)
        }
    }

    @Test func anEagerSendOfATaskThatNobodyKnowsEnds() async throws {
        let server = try server("eager", "eager")
        try await run(server) {
            let unknown = try await server.send(TaskDefinition<Int>("nobody")())
            #expect(try await unknown.status() == .failure)
        }
    }

    @Test func aHandlerThatSendsInEagerModeDoesNotWaitForItself() async throws {
        let server = try server("eager", "eager")
        let inner = NIOLockedValueBox<[AsyncResult<Int>]>([])
        let worker = server.worker(consumerTag: "w", concurrency: 1) {
            MachineryTasks.all
            TaskDefinition<String, Variadic<Int>, Void>("nest").handler { _, _ in
                let sum = try await server.send(MachineryTasks.add([1, 2]))
                inner.withLockedValue { $0.append(sum) }
            }
        }
        try await run(server, worker) {
            let outer = try await server.send(TaskDefinition<String, Variadic<Int>, Void>("nest")("", []))
            #expect(try await outer.status() == .success)
            // The send has returned: what the task sent has ended too.
            let sum = try #require(inner.withLockedValue { $0.first })
            #expect(try await sum.status() == .success)
        }
    }

    @Test func workflowsAreSentPeriodically() async throws {
        let server = try server("memory", "memory")
        let done = AsyncStream<String>.makeStream()
        let worker = server.worker(consumerTag: "w") {
            MachineryTasks.all
            TaskDefinition<String, Variadic<Int>, Void>("tell").handler { name, _ in done.continuation.yield(name) }
        }
        func tell(_ name: String) throws -> MachinerySignature {
            try server.signature(TaskDefinition<String, Variadic<Int>, Void>("tell")(name, []))
        }
        let one = try server.signature(MachineryTasks.add([1]))
        try server.registerPeriodicChain("@every 1s", name: "chain", [one, tell("chain")])
        try server.registerPeriodicGroup("@every 1s", name: "group", [tell("group"), one])
        try server.registerPeriodicChord("@every 1s", name: "chord", callback: tell("chord"), [one, one])
        #expect(throws: CeleriacError.self) { try server.registerPeriodicChain("@every 1s", name: "none", []) }
        try await run(server, worker) {
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await server.run() }
                var seen: Set<String> = []
                for await name in done.stream where seen.insert(name).inserted && seen.count == 3 { break }
                #expect(seen == ["chain", "group", "chord"])
                group.cancelAll()
            }
        }
    }

    @Test func theLaunchLogTellsTheSettingsWithoutCredentials() async throws {
        let lines = RecordedLines()
        let server = try MachineryServer(
            configuration: MachineryConfiguration(
                broker: "amqp://me:secret@host:5672/vhost;amqp://you:secret@host2", multipleBrokerSeparator: ";",
                resultBackend: "redis://se/secret@other:6379/1", amqp: MachineryAMQPOptions()),
            broker: MemoryBroker(), backend: MemoryResultStore(), logger: Logger(label: "launch") { _ in lines })
        try await run(server) {}
        let launch = lines.all.prefix(9)
        #expect(
            Array(launch) == [
                "Launching a worker with the following settings:", "- Broker: amqp://host:5672;amqp://host2",
                "- DefaultQueue: machinery_tasks", "- ResultBackend: redis://other:6379", "- AMQP: machinery_exchange",
                "  - Exchange: machinery_exchange", "  - ExchangeType: direct", "  - BindingKey: machinery_task",
                "  - PrefetchCount: 3",
            ])
        #expect(!lines.all.contains { $0.contains("secret") })
    }

    @Test func theErrorHookIsCalledWhenNoRetriesAreLeft() async throws {
        let server = try server("memory", "memory")
        let calls = NIOLockedValueBox<[String]>([])
        let hooks = WorkerHooks(
            preTask: { context in
                calls.withLockedValue { $0.append("begins, left: \(context.machinerySignature?.retryCount ?? -1)") }
            },
            error: { context, _ in
                calls.withLockedValue { $0.append("failed, left: \(context.machinerySignature?.retryCount ?? -1)") }
            })
        try await run(server, server.worker(consumerTag: "w", hooks: hooks) { MachineryTasks.all }) {
            var failing = try server.signature(MachineryTasks.failTask("boom"))
            failing.retryCount = 1
            let sent = try await server.send(failing)
            await #expect(throws: RemoteTaskError.self) { try await sent.get(timeout: .seconds(120)) }
        }
        #expect(calls.withLockedValue { $0 } == ["begins, left: 1", "begins, left: 0", "failed, left: 0"])
    }

    @Test func theNullBackendKeepsNothing() async throws {
        let server = try server("memory", "null")
        try await run(server) {
            let sent = try await server.send(MachineryTasks.add([1]))
            await #expect { try await sent.get(timeout: .seconds(5)) } throws: {
                ($0 as? CeleriacError)?.code == .resultStore
            }
        }
    }

    @Test func whatCannotBeUsedIsRefused() {
        for (broker, backend, lock) in [
            ("ftp://x", "memory", ""), ("memory", "mongodb://x", ""), ("memory", "memory", "memcache://x"),
            ("", "memory", ""),
        ] {
            #expect {
                try MachineryServer(configuration: .init(broker: broker, lock: lock, resultBackend: backend))
            } throws: {
                ($0 as? CeleriacError)?.code == .configuration
            }
        }
    }
}

/// Records log messages.
private struct RecordedLines: LogHandler {
    private let lines = NIOLockedValueBox<[String]>([])
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    var all: [String] { lines.withLockedValue { $0 } }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        lines.withLockedValue { $0.append(event.message.description) }
    }
}
