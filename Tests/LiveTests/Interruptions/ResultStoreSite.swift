#if AMQP && Redis
import Celeriac
import CeleriacTestKit
import Glibc
import Logging
import Testing

/// A private broker, and results in a Redis of their own that a test may harm.
struct ResultStoreSite: Sendable {
    /// A dialect on a broker.
    struct Kind: Sendable, CustomTestStringConvertible {
        let dialect: DialectUnderTest
        let broker: BrokerSite.Kind

        static let all = DialectUnderTest.allCases.flatMap { dialect in
            [BrokerSite.Kind.rabbitMQRedis, .redis].map { Kind(dialect: dialect, broker: $0) }
        }
        static let onRabbitMQ = all.filter { $0.broker == .rabbitMQRedis }
        static let onRedis = all.filter { $0.broker == .redis }

        var testDescription: String { "\(dialect.testDescription), \(broker == .redis ? "Redis" : "RabbitMQ")" }
    }

    /// What happens to the store.
    enum Trouble: String, CaseIterable, Sendable, CustomTestStringConvertible {
        case frozen, killed

        var testDescription: String { rawValue }
    }

    let kind: Kind
    let server: LiveServer
    let store: RedisServer
    let folder: TemporaryFolder
    let app: any TaskSender
    private let closeApp: @Sendable () async -> Void

    init(_ kind: Kind) async throws {
        self.kind = kind
        server = try await LiveServer.start(kind.broker)
        store = try await RedisServer.start()
        folder = try TemporaryFolder("store")
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        let site = try await kind.dialect.site(
            worker: server.url, sender: server.url, results: store.url, logger: logger)
        app = site.app
        closeApp = site.close
    }

    /// The file in which tasks record that they ended.
    var path: String { folder.path + "/recorded" }

    /// Starts a worker that runs four tasks at once and holds eight messages at least. Its store is the one that is
    /// harmed, if `results` names no other. Throws `TestKitError` if the worker does not start.
    func startWorker(
        _ name: String, results: String? = nil, stopTimeout: Double = 25, pauses: Bool = false
    ) async throws -> LiveWorkerProcess {
        let worker = try LiveWorkerProcess.launch(
            dialect: kind.dialect == .celery ? "celery" : "machinery", broker: server.url,
            results: results ?? store.url, folder: folder, visibilityTimeout: 5, name: name, concurrency: 4,
            prefetchMultiplier: 2, stopTimeout: stopTimeout, pausesWithoutResultStore: pauses)
        try await worker.consumes()
        return worker
    }

    /// How many messages are in the queue, and how many are claimed and not settled.
    func messages() async throws -> (waiting: Int, unsettled: Int) {
        switch kind.dialect {
        case .celery:
            try await server.messages(in: "celery", redisClaims: [("HLEN", "unacked"), ("ZCARD", "unacked_index")])
        case .machinery:
            try await server.messages(
                in: "machinery_tasks",
                redisClaims: [
                    ("HLEN", "machinery_tasks.celeriac.claims"), ("ZCARD", "machinery_tasks.celeriac.claimed"),
                ])
        }
    }

    func harm(_ trouble: Trouble) async {
        switch trouble {
        case .frozen: if let pid = store.pid { kill(pid, SIGSTOP) }
        case .killed: await store.kill()
        }
    }

    func heal(_ trouble: Trouble) async throws {
        switch trouble {
        case .frozen: if let pid = store.pid { kill(pid, SIGCONT) }
        case .killed: try await store.restart()
        }
    }

    func close() async {
        await closeApp()
        await store.stop()
        await server.stop()
        folder.remove()
    }
}
#endif
