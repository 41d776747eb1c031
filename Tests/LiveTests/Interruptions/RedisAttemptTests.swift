#if Redis
import Celeriac
import CeleriacRedis
import CeleriacTestKit
import Foundation
import Logging
import NIOPosix
import Testing

/// Tests that on Redis, too, a task that kills its process is parked alone.
@Suite("Attempts on Redis", .serialized, .timeLimit(.minutes(5)))
struct RedisAttemptTests {
    private static let die = TaskDefinition<String, String, String, String>("tasks.die")
    private static let last = TaskDefinition<String, String, Double, String>("tasks.last")

    @Test("A task that kills its process is parked alone")
    func celery() async throws {
        let site = try await BrokerSite(.redis, visibilityTimeout: 2)
        try await poison(at: site, queue: "celery")
    }

    @Test("A task that kills its process is parked alone, as Machinery's workers do it")
    func machinery() async throws {
        let site = try await MachinerySite(.redis, visibilityTimeout: 2)
        try await poison(at: site, queue: "machinery_tasks")
    }

    private func poison(at site: some LiveSite, queue: String) async throws {
        let path = site.folder.path + "/recorded"
        let texts = (1...7).map { "\($0)" }
        // They all begin beside it.
        try await site.app.send(
            texts.map { Self.last(path, $0, 2) } + [Self.die(path, "poison", "")],
            options: SendOptions(ignoresResult: true))
        let redis = RedisClient(
            try RedisConfiguration(url: site.broker), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "test"))
        try await expectDeaths(recordedAt: path, beside: texts) {
            try LiveWorkerProcess.launch(
                dialect: site.dialect, broker: site.broker, results: site.results, folder: site.folder,
                visibilityTimeout: site.visibilityTimeout, concurrency: 8)
        } isParked: {
            try await redis.send(RedisCommand("LLEN", "\(queue).parked")).int ?? 0 > 0
        }
        let parked = try await redis.send(RedisCommand("LRANGE", "\(queue).parked", 0, -1)).array ?? []
        #expect(parked.count == 1)
        #expect(parked.first?.string?.contains("tooManyAttempts") == true)
        let left = try await site.messages()
        #expect(left.waiting == 0 && left.unsettled == 0)
        await redis.close()
        await site.close()
    }
}
#endif
