import Celeriac
import CeleriacTestKit
import Foundation
import Testing

#if Redis
import CeleriacRedis
#endif

/// `AsyncResult.forget()` deletes the stored result of that task only.
@Suite(.timeLimit(.minutes(5))) struct ForgetTests {
    private func forgetOneOfTwo(_ app: CeleryApp, keys: @Sendable () async throws -> Set<String>) async throws {
        let worker = app.worker { Tasks.add.handler { $0 + $1 } }
        try await withRunning(worker) {
            let results = try await app.send([Tasks.add(1, 1), Tasks.add(2, 2)])
            #expect(try await results.get(timeout: .seconds(120)) == [2, 4])
            #expect(try await keys() == Set(results.map { "celery-task-meta-\($0.id)" }))
            try await results[0].forget()
            #expect(try await results[0].status() == .pending)
            #expect(try await results[0].stored() == nil)
            #expect(try await results[1].stored()?.value == 4)
            #expect(try await keys() == ["celery-task-meta-\(results[1].id)"])
            // The second time there is nothing to forget.
            try await results[0].forget()
        }
        await app.close()
    }

    @Test func inAFolder() async throws {
        let folder = try TemporaryFolder("test")
        defer { folder.remove() }
        let app = try CeleryApp(
            broker: "filesystem://\(folder.path)/messages", results: "file://\(folder.path)/results")
        try await forgetOneOfTwo(app) {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/results")) ?? []
            return Set(files.filter { $0.hasPrefix("celery-task-meta-") })
        }
    }

    #if Redis
    @Test func inRedis() async throws {
        let bench = try await RedisBench()
        try await forgetOneOfTwo(bench.app) {
            let keys = try await bench.redis.send(RedisCommand("KEYS", "celery-task-meta-*")).array ?? []
            return Set(keys.compactMap(\.string))
        }
        await bench.redis.close()
    }
    #endif
}
