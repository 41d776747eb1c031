#if AMQP && Redis
import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// `celeriac migrate --dialect machinery`.
@Suite("Migrations of Machinery's queues", .serialized, .timeLimit(.minutes(10)))
struct MachineryMigrationTests {
    private static let queue = "machinery_tasks"

    /// The first arguments of the tasks that wait, in their order. They stay.
    private static func waiting(at app: MachineryServer) async throws -> [Int] {
        let count = try await app.client.broker.depth(of: queue)
        let consumer = try await app.client.broker.consume(
            ConsumerOptions(queues: [TaskQueue(queue)], prefetch: 5000, nodeName: "look@live"))
        try await consumer.hold(5000)
        var found: [Int] = []
        while found.count < count {
            for delivery in try await consumer.next(atMost: 1000) {
                let request = try app.client.dialect.request(of: try delivery.content.get(), delivery: delivery)
                found.append(try #require(request.arguments.first?["Value"]?.intValue))
            }
        }
        await consumer.stop()
        try await consumer.close()
        return found
    }

    @Test("Redis to RabbitMQ and back, killed in between: order, delayed tasks; a worker runs them at either")
    func thereAndBack() async throws {
        let (redis, rabbitMQ) = (try await MachinerySite(.redis), try await MachinerySite(.rabbitMQ))
        let count = 2000
        let add = TaskDefinition<Int, Int, Int>("tasks.add")
        try await redis.app.send((0..<count).map { add($0, 1) })
        for number in 0..<20 { try await redis.app.send(add(number, 1), countdown: .seconds(100_000)) }
        func migrate(_ source: MachinerySite, _ target: MachinerySite, _ arguments: String...) throws -> ProgramProcess
        {
            try ProgramProcess(
                [
                    "migrate", "--dialect", "machinery", "-b", source.broker, "--to", target.broker, "--json",
                    "--journal", "\(redis.folder.path)/migration.journal",
                ] + arguments, in: redis.folder)
        }
        let delayed = try #require(redis.app.client.broker as? any DelayedMessageKeeper)
        #expect(try await delayed.delayedCount() == 20)

        let first = try migrate(redis, rabbitMQ, "--rate", "500")
        try await until {
            try #require(first.child.status == nil, "it ended: \(first.logged)")
            return try await rabbitMQ.app.client.broker.depth(of: Self.queue) >= 300
        }
        await first.child.kill()
        #expect(try await redis.app.client.broker.depth(of: Self.queue) > 0)
        let second = try migrate(redis, rabbitMQ)
        let (status, logged) = await second.end()
        #expect(status == .exited(0), "\(logged)")
        #expect(try await redis.app.client.broker.depth(of: Self.queue) == 0)
        #expect(try await delayed.delayedCount() == 0)
        let moved = try await Self.waiting(at: rabbitMQ.app)
        #expect(Set(moved) == Set(0..<count) && moved.count - count <= 100)

        let back = try migrate(rabbitMQ, redis)
        let (end, text) = await back.end()
        #expect(end == .exited(0), "\(text)")
        #expect(try MigrationSite.report(text)["gaps"]?.arrayValue?.count == 1)
        let returned = try await Self.waiting(at: redis.app)
        #expect(returned == moved)
        // What a worker reads there is what was sent.
        let one = try await redis.app.send(add(40, 2))
        try await redis.withWorker {
            let value = try await one.get(timeout: .seconds(120))
            #expect(value == 42)
        }
        #expect(try await redis.app.client.broker.depth(of: Self.queue) == 0)
        await redis.close()
        await rabbitMQ.close()
    }
}
#endif
