#if Redis
import Celeriac
import CeleriacTestKit
import Testing

/// The test kit's Go worker. `interop/go/run` has all exchanges with Go.
@Suite("The test kit's Go worker", .enabled(if: GoWorker.isAvailable, "Go is not installed"), .timeLimit(.minutes(10)))
struct GoWorkerTests {
    @Test("serves what Swift sends, and ends when it is told to")
    func serves() async throws {
        let redis = try await RedisServer.start()
        let worker = try await GoWorker.start(broker: redis.url, results: redis.url)
        let server = try MachineryServer(
            configuration: MachineryConfiguration(broker: redis.url, resultBackend: redis.url))
        let add = TaskDefinition<Variadic<Int64>, Int64>("add")
        #expect(try await server.send(add([1, 2])).get(timeout: .seconds(60)) == 3)
        await server.close()
        await worker.stop()
        #expect(!worker.isRunning)
        await redis.stop()
    }
}
#endif
