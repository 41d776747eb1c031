#if AMQP
import Celeriac
import CeleriacTestKit
import Logging
import Testing

/// Queues that are neither durable nor exclusive, which RabbitMQ 4.3 refuses unless it is set up to permit them.
@Suite("Releases of RabbitMQ: queues", .serialized)
struct ReleaseQueueTests {
    private static let add = TaskDefinition<Int, Int, Int>("tasks.add")
    private static let sum = TaskDefinition<Variadic<Int>, Int>("add")

    private static var logger: Logger {
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        return logger
    }

    @Test(
        "A worker says which of its queues the broker refuses, and what to do about it", .timeLimit(.minutes(5)),
        .enabled(if: RabbitMQRelease.available.contains(.v43), "RabbitMQ 4.3 is not there; run Scripts/rabbitmq"))
    func refused() async throws {
        let server = try await RabbitMQServer.start(.init(release: .v43))
        var configuration = CeleryConfiguration()
        configuration.queues = [TaskQueue("short", isDurable: false)]
        let app = try CeleryApp(broker: server.url, configuration: configuration, logger: Self.logger)
        let worker = app.worker { Self.add.handler { $0 + $1 } }
        let error = await #expect(throws: CeleriacError.self) { try await withRunning(worker) {} }
        #expect(error?.code == .configuration)
        #expect(error.map { "\($0)".contains("make short durable") } == true)
        await app.close()
        await server.stop()
    }

    /// Machinery's own queues of states are of that kind, so its Go programs keep none at such a broker.
    @Test(
        "Machinery's states and groups are kept at RabbitMQ", .timeLimit(.minutes(5)),
        arguments: RabbitMQRelease.available)
    func states(_ release: RabbitMQRelease) async throws {
        let server = try await RabbitMQServer.start(.init(release: release))
        let configuration = MachineryConfiguration(
            broker: server.url, resultBackend: server.url, amqp: MachineryAMQPOptions())
        let app = try MachineryServer(configuration: configuration, logger: Self.logger)
        let worker = app.worker(consumerTag: "test", concurrency: 4) { Self.sum.handler { $0.elements.reduce(0, +) } }
        try await withRunning(worker) {
            // All of them ask for their queues at once.
            let sent = try await app.send((0..<10).map { Self.sum([$0, 1]) })
            for (number, result) in sent.enumerated() {
                #expect(try await result.get(timeout: .seconds(60)) == number + 1)
            }
            let joined = try await app.send(chord([Self.sum([1, 2]), Self.sum([3, 4])], body: Self.sum([5])))
            #expect(try await joined.get(timeout: .seconds(60)) == 15)
        }
        await app.close()
        await server.stop()
    }
}
#endif
