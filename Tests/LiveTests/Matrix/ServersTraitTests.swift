import Celeriac
import CeleriacTestKit
import CeleriacTesting
import LiveTasks
import Testing

#if Redis
/// The trait by which tests have servers of their own.
@Suite("Servers of a test", .servers(.redis), .timeLimit(.minutes(5)))
struct ServersTraitTests {
    /// The places that tests have had.
    private static let seen = Places()

    private actor Places {
        private var urls: Set<String> = []

        func insert(_ url: String) -> Bool { urls.insert(url).inserted }
    }

    @Test("each test, and each of its arguments, has a place of its own", arguments: 1...3)
    func places(_ number: Int) async throws {
        let url = try TestServer.redis.url
        let isNew = await Self.seen.insert(url)
        #expect(isNew, "\(url) is not the test's own")
        let celery = try CeleryApp(broker: url, results: url)
        let worker = celery.worker { LiveTasks.handlers }
        try await withRunning(worker) {
            let product = try await celery.send(LiveTasks.multiply(number, 2)).get(timeout: .seconds(60))
            #expect(product == number * 2)
        }
        await celery.close()
        let error = #expect(throws: TestKitError.self) { _ = try TestServer.rabbitMQ.url }
        #expect(error?.message == "the test lacks the trait .servers(.rabbitMQ)")
    }

    @Test("a cell needs its suite's trait")
    func withoutTrait() async throws {
        let cell = try #require(try LiveMatrix.cells().first)
        let error = await #expect(throws: TestKitError.self) { try await cell.check() }
        #expect(error?.code == .noWorker)
    }
}
#endif
