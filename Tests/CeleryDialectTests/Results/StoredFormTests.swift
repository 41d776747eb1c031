import Celeriac
import CeleriacCore
import CeleriacQueues
import CeleriacTestKit
import CeleriacWire
import CeleryDialect
import CeleryWire
import Logging
import NIOPosix
import Testing

#if Redis
import CeleriacRedis
#endif

/// Result stores whose results are in other forms than JSON.
@Suite("Stored forms", .timeLimit(.minutes(5)))
struct StoredFormTests {
    /// A state of the task `1` as another worker has stored it, and whether ours may replace it.
    struct Stored: Sendable, CustomTestStringConvertible {
        let content: CeleryResultContent
        let bytes: [UInt8]
        let isFinal: Bool
        var testDescription: String { "\(content) \(isFinal ? "SUCCESS" : "STARTED")" }
    }

    static let stored: [Stored] = {
        var stored: [Stored] = []
        for (status, isFinal) in [("SUCCESS", true), ("STARTED", false)] {
            let meta = CeleryResultMeta(status: status, result: 1, taskID: "1")
            for content in ResultFormTests.forms {
                let bytes = try? meta.encode(
                    serializer: content.serializer, compression: content.compressionMethod())
                stored.append(Stored(content: content, bytes: bytes ?? [], isFinal: isFinal))
            }
            // As PyYAML writes it, with the status far behind.
            let yaml = """
                children: []
                date_done: null
                result: 1
                status: \(status)
                task_id: '1'
                traceback: null

                """
            stored.append(
                Stored(
                    content: CeleryResultContent(serializer: .yaml, accept: [.yaml]), bytes: Array(yaml.utf8),
                    isFinal: isFinal))
        }
        return stored
    }()

    /// Stores a failure of the task `1`, and checks what the store then has.
    private func checkReplacement(of stored: Stored, in store: any ResultStore) async throws {
        let meta = CeleryResultMeta(status: "FAILURE", taskID: "1")
        let payload = try meta.encode(
            serializer: stored.content.serializer, compression: stored.content.compressionMethod())
        try await store.store([ResultRecord(taskID: "1", state: .failure, payload: payload)])
        let fetched = try await store.fetch(["1"])
        #expect(fetched == [stored.isFinal ? stored.bytes : payload])
        await store.close()
    }

    @Test("a success in a folder stays", arguments: stored)
    func successInAFolder(_ stored: Stored) async throws {
        let folder = try TemporaryFolder("forms")
        defer { folder.remove() }
        try FileStore.write(
            stored.bytes, to: folder.path + "/celery-task-meta-1", temporaryName: ".stored")
        try await checkReplacement(
            of: stored,
            in: CeleryFileResults(
                folder: folder.path, serializer: stored.content.serializer,
                eventLoopGroup: .singletonMultiThreadedEventLoopGroup))
    }

    #if Redis
    @Test("a success in Redis stays", arguments: stored)
    func successInRedis(_ stored: Stored) async throws {
        let bench = try await RedisBench()
        _ = try await bench.redis.send(RedisCommand("SET", "celery-task-meta-1", stored.bytes))
        try await checkReplacement(
            of: stored,
            in: CeleryRedisResults(
                try RedisConfiguration(url: bench.url), serializer: stored.content.serializer,
                eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: Logger(label: "test")))
        await bench.close()
    }
    #endif

    /// The settings of an application whose results are in a form.
    private func configuration(_ content: CeleryResultContent) -> CeleryConfiguration {
        var configuration = CeleryConfiguration()
        configuration.resultSerializer = content.serializer
        configuration.resultCompression = content.compression.map { Compression(rawValue: $0) }
        configuration.resultAcceptContent = content.accept
        return configuration
    }

    @Test("an application writes and reads results, groups and workflows in a folder", arguments: ResultFormTests.forms)
    func inAFolder(_ content: CeleryResultContent) async throws {
        let folder = try TemporaryFolder("forms")
        defer { folder.remove() }
        let results = folder.path + "/results"
        let app = try CeleryApp(
            broker: "filesystem://\(folder.path)/messages", results: "file://\(results)",
            configuration: configuration(content))
        let worker = app.worker {
            Tasks.add.handler { $0 + $1 }
            Tasks.sum.handler { $0.reduce(0, +) }
        }
        try await withRunning(worker) {
            let sent = try await app.send(group([Tasks.add(1, 1), Tasks.add(2, 2)]))
            #expect(try await sent.get(timeout: .seconds(60)) == [2, 4])
            try await sent.save()
            let found = try #require(try await app.group(sent.id, as: Int.self))
            #expect(found.results.map(\.id) == sent.results.map(\.id))
            for result in sent.results {
                let bytes = try #require(try FileStore.read("\(results)/celery-task-meta-\(result.id)"))
                let meta = try CeleryResultMeta.decode(bytes, content: content, limits: .default)
                #expect(meta.status == "SUCCESS" && meta.taskID == result.id)
            }
            let total = try await app.send(chord([Tasks.add(1, 1), Tasks.add(2, 2)], body: Tasks.sum))
            #expect(try await total.get(timeout: .seconds(60)) == 6)
        }
        await app.close()
    }

    @Test("a client that does not accept the form gets an error that says so")
    func refused() async throws {
        let folder = try TemporaryFolder("forms")
        defer { folder.remove() }
        var configuration = configuration(CeleryResultContent(serializer: .yaml, accept: [.json]))
        configuration.acceptContent = [.json, .yaml]
        let app = try CeleryApp(
            broker: "filesystem://\(folder.path)/messages", results: "file://\(folder.path)/results",
            configuration: configuration)
        try await withRunning(app.worker { Tasks.add.handler { $0 + $1 } }) {
            let sent = try await app.send(Tasks.add(1, 1))
            let error = await #expect(throws: CeleriacError.self) { try await sent.get(timeout: .seconds(60)) }
            #expect(error?.code == .resultStore)
            #expect((error?.cause as? CeleryWireError)?.code == .disallowedContentType)
        }
        await app.close()
    }
}
