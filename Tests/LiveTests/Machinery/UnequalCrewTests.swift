#if AMQP && Redis
import Celeriac
import CeleriacAMQP
import CeleriacCore
import CeleriacQueues
import CeleriacRedis
import CeleriacTestKit
import NIOConcurrencyHelpers
import NIOPosix
import Testing

/// Workers that know different tasks share a queue, as in a rolling deploy.
@Suite("Unequal crews", .timeLimit(.minutes(5)))
struct UnequalCrewTests {
    private static let left = TaskDefinition<Int, Int>("left")
    private static let right = TaskDefinition<Int, Int>("right")

    private func bench(onRabbitMQ: Bool) async throws -> MachineryBench {
        guard onRabbitMQ else { return try await MachineryBench() }
        return try await MachineryBench(
            broker: try await SharedServers.shared.rabbitMQVirtualHostURL(), amqp: MachineryAMQPOptions())
    }

    @Test(arguments: [false, true])
    func everyTaskFindsTheWorkerThatKnowsIt(onRabbitMQ: Bool) async throws {
        let bench = try await bench(onRabbitMQ: onRabbitMQ)
        let server = bench.server
        let leftWorker = server.worker(consumerTag: "left", concurrency: 2) { Self.left.handler { $0 + 1 } }
        let rightWorker = server.worker(consumerTag: "right", concurrency: 2) { Self.right.handler { -$0 } }
        // The left worker alone meets more tasks of the other than it may hold, and reaches its own behind them.
        let rights = try await server.send((0..<40).map { Self.right($0) })
        let lefts = try await server.send((0..<40).map { Self.left($0) })
        try await withRunning(leftWorker) {
            #expect(try await lefts.get(timeout: .seconds(60)) == Array(1...40))
            try await withRunning(rightWorker) {
                let results = try await rights.get(timeout: .seconds(60))
                #expect(results == (0..<40).map { -$0 })
            }
        }
        try await expectNothingLeft(of: bench)
        await bench.close()
    }

    @Test(arguments: [false, true])
    func aTaskBehindMoreUnknownOnesThanAWorkerCanHoldRuns(onRabbitMQ: Bool) async throws {
        let bench = try await bench(onRabbitMQ: onRabbitMQ)
        let server = bench.server
        let begun = NIOLockedValueBox<[Int: Int]>([:])
        let leftWorker = server.worker(consumerTag: "left", concurrency: 2) { Self.left.handler { $0 + 1 } }
        let rightWorker = server.worker(consumerTag: "right", concurrency: 8) {
            Self.right.handler { number in
                begun.withLockedValue { $0[number, default: 0] += 1 }
                return -number
            }
        }
        let count = 1500
        let rights = try await server.send((0..<count).map { Self.right($0) })
        let left = try await server.send(Self.left(1))
        let ran = try await withRunning(leftWorker) { try await left.get(timeout: .seconds(60)) }
        #expect(ran == 2)
        let results = try await withRunning(rightWorker) { try await rights.get(timeout: .seconds(60)) }
        #expect(results == (0..<count).map { -$0 })
        #expect(begun.withLockedValue { $0.count == count && $0.values.allSatisfy { $0 == 1 } })
        try await expectNothingLeft(of: bench)
        await bench.close()
    }

    @Test(arguments: [false, true])
    func aWorkerThatStopsGivesBackAtOnceWhatItDoesNotKnow(onRabbitMQ: Bool) async throws {
        let bench = try await bench(onRabbitMQ: onRabbitMQ)
        let server = bench.server
        let (started, release) = (Gate(), Gate())
        let hold = TaskDefinition<Void>("hold")
        let leftWorker = server.worker(consumerTag: "left", concurrency: 1) {
            hold.handler {
                started.open()
                await release.wait()
            }
        }
        let rightWorker = server.worker(consumerTag: "right", concurrency: 2) { Self.right.handler { -$0 } }
        let rights = try await server.send((0..<3).map { Self.right($0) })
        let held = try await server.send(hold())
        try await withRunning(leftWorker) {
            await started.wait()
            leftWorker.stop()
            // It still runs its own task.
            try await withRunning(rightWorker) {
                let results = try await rights.get(timeout: .seconds(60))
                #expect(results == [0, -1, -2])
            }
            release.open()
            try await held.get(timeout: .seconds(60))
        }
        try await expectNothingLeft(of: bench)
        await bench.close()
    }

    @Test func aQuorumQueueDropsNothingOfWhatComesBackTooOften() async throws {
        let bench = try await MachineryBench(
            broker: try await SharedServers.shared.rabbitMQVirtualHostURL(),
            amqp: MachineryAMQPOptions(
                queueDeclareArguments: ["x-queue-type": "quorum", "x-delivery-limit": 3]))
        let server = bench.server
        let client = AMQPClient(
            configurations: [try AMQPConfiguration(url: server.configuration.broker)],
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: MachineryBench.logger)
        let rights = try await server.send((0..<3).map { Self.right($0) })
        for _ in 0..<6 {
            // The worker holds them when it stops.
            let leftWorker = server.worker(consumerTag: "left", concurrency: 2) { Self.left.handler { $0 + 1 } }
            try await withRunning(leftWorker) {
                try await until { try await client.depth(of: "machinery_tasks", at: "the broker") == 0 }
            }
        }
        let rightWorker = server.worker(consumerTag: "right", concurrency: 2) { Self.right.handler { -$0 } }
        try await withRunning(rightWorker) {
            let results = try await rights.get(timeout: .seconds(60))
            #expect(results == [0, -1, -2])
        }
        await client.close()
        try await expectNothingLeft(of: bench)
        await bench.close()
    }

    /// Expects that nothing waits, is claimed or was parked, and that no attempt was counted.
    private func expectNothingLeft(of bench: MachineryBench) async throws {
        let broker = bench.server.configuration.broker
        if broker.hasPrefix("redis") {
            let keys = try await bench.content().keys
            #expect(keys.allSatisfy { !$0.contains("celeriac") && !$0.hasPrefix("machinery_tasks") })
            return
        }
        let client = AMQPClient(
            configurations: [try AMQPConfiguration(url: broker)],
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: MachineryBench.logger)
        let channel = try await client.connection().openChannel(confirms: false)
        #expect(try await channel.queueDeclare("machinery_tasks", passive: true).messageCount == 0)
        // That queue does not exist until a message is parked.
        await #expect(throws: AMQPError.self) {
            try await channel.queueDeclare("machinery_tasks.parked", passive: true)
        }
        await client.close()
    }
}
#endif
