#if AMQP && Redis
import Celeriac
import CeleriacCore
import CeleriacTestKit
import Synchronization
import Testing

/// Machinery at RabbitMQ as a file of Machinery's settings deploys it: types of exchanges, workers with queues of their
/// own, priorities, several brokers. Swift is on both sides; what it declares is compared with Go by
/// `MachineryAMQPMethodTests` and `DeclarationTests`.
@Suite("Machinery on RabbitMQ: deployments", .timeLimit(.minutes(5)))
struct MachineryDeploymentTests {
    private static let note = TaskDefinition<Int, Int>("note")

    /// Which worker ran what, in order.
    private final class Runs: Sendable {
        private let numbers = Mutex<[String: [Int]]>([:])

        func add(_ number: Int, of worker: String) { numbers.withLock { $0[worker, default: []].append(number) } }

        func of(_ worker: String) -> [Int] { numbers.withLock { $0[worker] ?? [] } }
    }

    /// An application with these settings, a virtual host and a database of its own.
    private func server(
        _ settings: String, deadBroker: String = "", resultsAtBroker: Bool = false
    ) async throws -> MachineryServer {
        let broker = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let results = try await resultsAtBroker ? broker : SharedServers.shared.redisDatabaseURL()
        let yaml = "{broker: '\(deadBroker)\(broker)', result_backend: '\(results)', \(settings)}"
        let configuration = try MachineryConfiguration(yaml: Array(yaml.utf8))
        return try MachineryServer(configuration: configuration, logger: MachineryBench.logger)
    }

    /// A worker that notes what it runs, one task at a time; the default queue's has the name `default`.
    private func worker(_ name: String, of server: MachineryServer, _ runs: Runs) -> TaskWorker {
        server.worker(consumerTag: name, queue: name == "default" ? nil : name, concurrency: 1) {
            Self.note.handler { number in
                runs.add(number, of: name)
                return number
            }
        }
    }

    /// An exchange that does not compare routing keys gives a task to the queue of every worker, once, also a delayed one.
    @Test(arguments: [("fanout", "any"), ("topic", "#")])
    func everyWorkersQueueGetsATaskOnce(_ type: String, _ key: String) async throws {
        let server = try await server("amqp: {exchange: everyone, exchange_type: \(type), binding_key: '\(key)'}")
        let runs = Runs()
        try await withRunning(worker("one", of: server, runs)) {
            try await withRunning(worker("two", of: server, runs)) {
                let names = ["one", "two"]
                try await server.send(Self.note(1))
                await until { names.allSatisfy { runs.of($0) == [1] } }
                try await server.send(Self.note(2), countdown: .milliseconds(300), queue: "somewhere")
                await until { names.allSatisfy { runs.of($0).count > 1 } }
                // It comes behind whatever the exchange had made of the one before.
                try await server.send(Self.note(3))
                await until { names.allSatisfy { runs.of($0).last == 3 } }
                for name in names { #expect(runs.of(name) == [1, 2, 3], "\(name)") }
            }
        }
        await server.close()
    }

    /// States at RabbitMQ do not reach the workers through such an exchange.
    @Test(arguments: [("fanout", "any"), ("topic", "#")])
    func statesStayOutOfWorkersQueues(_ type: String, _ key: String) async throws {
        let server = try await server(
            "amqp: {exchange: everyone, exchange_type: \(type), binding_key: '\(key)'}", resultsAtBroker: true)
        let runs = Runs()
        try await withRunning(worker("default", of: server, runs)) {
            for number in 1...3 {
                let sent = try await server.send(Self.note(number))
                #expect(try await sent.get(timeout: .seconds(30)) == number)
            }
        }
        #expect(runs.of("default") == [1, 2, 3])
        #expect(try await server.parkedMessages(in: "machinery_tasks").isEmpty)
        await server.close()
    }

    @Test func aTopicExchangeGivesAQueueWhatItsPatternTakes() async throws {
        let server = try await server(
            "default_queue: sums.any, amqp: {exchange: topics, exchange_type: topic, binding_key: 'sums.*'}")
        let runs = Runs()
        try await withRunning(worker("default", of: server, runs)) {
            // No queue takes the first one, which Machinery's publishers are not told.
            try await server.send(Self.note(1), queue: "products.small", ignoresResult: true)
            let small = try await server.send(Self.note(2), queue: "sums.small")
            #expect(try await small.get(timeout: .seconds(30)) == 2)
            let unnamed = try await server.send(Self.note(3))
            #expect(try await unnamed.get(timeout: .seconds(30)) == 3)
            #expect(runs.of("default") == [2, 3])
        }
        await server.close()
    }

    /// A worker's own queue gets what is sent to it, and with Machinery's binding the default queue's tasks too.
    @Test(arguments: [false, true]) func aWorkerHasAQueueOfItsOwn(bindsAsGo: Bool) async throws {
        let server = try await server("amqp: {binds_own_queue_with_binding_key: \(bindsAsGo)}")
        let runs = Runs()
        try await withRunning(worker("own", of: server, runs)) {
            try await withRunning(worker("default", of: server, runs)) {
                try await server.send(Self.note(1))
                await until { runs.of("default") == [1] && (!bindsAsGo || runs.of("own") == [1]) }
                let own = try await server.send(Self.note(2), queue: "own")
                #expect(try await own.get(timeout: .seconds(30)) == 2)
                #expect(runs.of("own") == (bindsAsGo ? [1, 2] : [2]))
                #expect(runs.of("default") == [1])
            }
        }
        await server.close()
    }

    @Test func prioritiesGoFirst() async throws {
        let server = try await server("amqp: {prefetch_count: 1, queue_declare_args: {x-max-priority: 10}}")
        let runs = Runs()
        for (number, priority) in [(1, 1), (2, 9), (3, 5)] as [(Int, UInt8)] {
            try await server.send(Self.note(number), priority: priority)
        }
        try await withRunning(worker("default", of: server, runs)) {
            await until { runs.of("default").count == 3 }
        }
        #expect(runs.of("default") == [2, 3, 1])
        await server.close()
    }

    @Test func theNextBrokerIsTriedWhenOneIsDown() async throws {
        let server = try await server(
            "multiple_broker_separator: ';'", deadBroker: "amqp://guest:guest@127.0.0.1:1/;")
        let runs = Runs()
        try await withRunning(worker("default", of: server, runs)) {
            let sent = try await server.send(Self.note(1))
            #expect(try await sent.get(timeout: .seconds(30)) == 1)
        }
        await server.close()
    }
}
#endif
