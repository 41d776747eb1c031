import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging
import MachineryWire
import NIOConcurrencyHelpers
import NIOPosix
import TestSupport
import Testing

#if AMQP && Redis
import CeleriacAMQP

/// Tests tasks whose ETAs are further away than a worker holds messages: RabbitMQ keeps them until shortly before.
@Suite("Distant ETAs", .serialized)
struct DistantETATests {
    /// The delays of the tasks with an ETA, in seconds.
    private static let delays: [Double] = [12, 13, 14, 15, 16, 17.5, 19, 20, 21, 22]

    @Test(
        "ETAs beyond consumer_timeout among 100 short tasks close no channel, and each task runs once, at its time",
        .timeLimit(.minutes(5)), arguments: DialectUnderTest.allCases, ["classic", "quorum"])
    func amongShortTasks(_ dialect: DialectUnderTest, _ type: String) async throws {
        let server = try await RabbitMQServer.start(
            .init(configuration: ["consumer_timeout = 8000"], advanced: ["channel_tick_interval": "1000"]))
        let bench = try ETABench(dialect, server, type: type)
        try await withRunning(bench.worker(server.url)) {
            for delay in Self.delays { try await bench.send(after: delay) }
            for _ in 0..<100 { try await bench.send(after: 0) }
            await until { bench.runs.count >= 100 + Self.delays.count }
        }
        let kept = bench.log.count(ETABench.kept)
        #expect(bench.unexpected().isEmpty, "\(kept) messages were kept")
        // A slow machine takes some so late that the worker holds them itself.
        #expect(kept >= Self.delays.count / 2)
        #expect(bench.log.count("lost the connection to the broker") == 0)
        #expect(try await bench.remaining() == 0)
        await bench.close()
        await server.stop()
    }

    @Test(
        "Messages in the levels survive their worker and a restart of the server", .timeLimit(.minutes(5)),
        arguments: DialectUnderTest.allCases)
    func crash(_ dialect: DialectUnderTest) async throws {
        let server = try await RabbitMQServer.start()
        let (proxy, url) = try await RecordingProxy.start(before: server.url)
        let bench = try ETABench(dialect, server, type: "quorum")
        let count = 40
        try await withRunning(bench.worker(url)) {
            for number in 0..<count { try await bench.send(after: 15 + Double(number % 10)) }
            await until { bench.log.count(ETABench.kept) >= count }
            // The acknowledgements have arrived as well.
            let queue = dialect.queue
            try await until { try await LiveServer.rabbitMQ(server).messages(in: queue) == (0, 0) }
            // The worker's connections are lost as if it had crashed, and it does not get them back.
            proxy.cut()
            try await proxy.stop()
        }
        try await server.restart()
        try await withRunning(bench.worker(server.url)) { await until { bench.runs.count >= count } }
        #expect(bench.unexpected().isEmpty && bench.runs.count == count)
        #expect(try await bench.remaining() == 0)
        await bench.close()
        await server.stop()
    }

    @Test(
        "A worker without the right to make the levels holds the messages, says so once, and runs the tasks",
        .timeLimit(.minutes(5)), arguments: DialectUnderTest.allCases)
    func withoutRight(_ dialect: DialectUnderTest) async throws {
        let server = try await RabbitMQServer.start()
        try await server.rabbitmqctl("add_user", "limited", "limited")
        try await server.rabbitmqctl("set_permissions", "limited", "^(?!celeriac)", ".*", ".*")
        let bench = try ETABench(dialect, server, type: "classic")
        try await withRunning(bench.worker(server.url.replacing("guest:guest", with: "limited:limited"))) {
            for delay in [5, 6, 7.0] { try await bench.send(after: delay) }
            await until { bench.runs.count >= 3 }
        }
        #expect(bench.unexpected().isEmpty && bench.log.count(ETABench.kept) == 0)
        #expect(
            bench.log.count("the worker may not have the broker keep messages until their time: it holds them itself")
                == 1)
        #expect(try await !server.rabbitmqctl("--silent", "list_queues", "name").contains("celeriac.delay"))
        await bench.close()
        await server.stop()
    }
}

/// A worker that holds messages for two seconds at most, and a sender whose messages go straight to its queue, as those
/// of other clients may.
private final class ETABench: Sendable {
    struct Sent {
        let id: String
        let eta: Date?
    }
    struct Run {
        let id: String
        let number: Int
        let time: Date
        let queue: String
        let headers: WireObject
    }
    /// What a worker logs when the broker has a message.
    static let kept = "the broker keeps a task until its time"
    private static let work = TaskDefinition<Int, Int>("work")

    let log = LogRecorder()
    private let dialect: DialectUnderTest
    private let server: RabbitMQServer
    private let type: String
    private let client: AMQPClient
    private let sender: CeleryApp
    private let apps = NIOLockedValueBox<[CeleryApp]>([])
    private let servers = NIOLockedValueBox<[MachineryServer]>([])
    private let sent = NIOLockedValueBox<[Sent]>([])
    private let begun = NIOLockedValueBox<[Run]>([])

    init(_ dialect: DialectUnderTest, _ server: RabbitMQServer, type: String) throws {
        self.dialect = dialect
        self.server = server
        self.type = type
        client = AMQPClient(
            configurations: [try AMQPConfiguration(url: server.url)],
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: log.logger)
        var configuration = CeleryConfiguration()
        configuration.amqp.defaultQueueArguments = ["x-queue-type": .string(type)]
        sender = try CeleryApp(broker: server.url, configuration: configuration, logger: log.logger)
    }

    var runs: [Run] { begun.withLockedValue { $0 } }

    func worker(_ url: String) throws -> TaskWorker {
        let handler = Self.work.handler { context, number in
            let request = context.request
            self.begun.withLockedValue {
                $0.append(
                    Run(id: request.id, number: number, time: Date(), queue: request.queue, headers: request.headers))
            }
            return number
        }
        switch dialect {
        case .celery:
            var configuration = CeleryConfiguration()
            configuration.amqp.defaultQueueArguments = ["x-queue-type": .string(type)]
            configuration.amqp.maximumETAHold = .seconds(2)
            let app = try CeleryApp(broker: url, configuration: configuration, logger: log.logger)
            apps.withLockedValue { $0.append(app) }
            return app.worker(WorkerConfiguration(queues: ["celery"], concurrency: 4)) { handler }
        case .machinery:
            var options = MachineryAMQPOptions(queueDeclareArguments: ["x-queue-type": .string(type)])
            options.maximumETAHold = .seconds(2)
            let server = try MachineryServer(
                configuration: MachineryConfiguration(broker: url, resultBackend: "null", amqp: options),
                logger: log.logger)
            servers.withLockedValue { $0.append(server) }
            return server.worker(consumerTag: "test", concurrency: 4) { handler }
        }
    }

    /// Sends a task with the next number.
    func send(after delay: Double) async throws {
        let number = sent.withLockedValue { $0.count }
        let eta = delay > 0 ? Date().addingTimeInterval(delay) : nil
        let id: String
        switch dialect {
        case .celery:
            id = try await sender.send(Self.work(number), eta: eta).id
        case .machinery:
            id = "task-\(number)"
            var signature = MachinerySignature(
                uuid: id, name: "work", args: [MachineryArgument(type: "int64", value: .int(Int64(number)))])
            signature.eta = eta.map { GoTime($0) }
            let publish = AMQPPublish(
                exchange: "machinery_exchange", routingKey: "machinery_task", mandatory: true,
                message: WireMessage(
                    properties: MessageProperties(contentType: "application/json", deliveryMode: 2),
                    body: try signature.encode()))
            let outcomes = try await client.publish([publish])
            try #require(outcomes == [.confirmed])
        }
        sent.withLockedValue { $0.append(Sent(id: id, eta: eta)) }
    }

    /// The numbers of tasks that did not run exactly once, not before their time, and as they were sent.
    func unexpected() -> [Int] {
        let runs = Dictionary(grouping: runs, by: \.number)
        return sent.withLockedValue { $0 }.enumerated().filter { number, sent in
            guard let runs = runs[number], runs.count == 1, runs[0].id == sent.id else { return true }
            let isOurs = runs[0].headers.contains { $0.key.hasPrefix("x-celeriac") || $0.key.hasPrefix("x-death") }
            let isAtTime = sent.eta.map { runs[0].time >= $0.addingTimeInterval(-0.001) } ?? true
            return isOurs || !isAtTime || runs[0].queue != dialect.queue
        }.map(\.offset)
    }

    /// How many messages are in all queues, once they have settled down.
    func remaining() async throws -> Int {
        func count() async throws -> Int {
            try await server.rabbitmqctl("--silent", "list_queues", "messages").split(separator: "\n")
                .reduce(0) { $0 + (Int($1) ?? 0) }
        }
        // The counts of quorum queues follow.
        try await until { try await count() == 0 }
        return try await count()
    }

    func close() async {
        await sender.close()
        for app in apps.withLockedValue({ $0 }) { await app.close() }
        for server in servers.withLockedValue({ $0 }) { await server.close() }
        await client.close()
    }
}
#endif
