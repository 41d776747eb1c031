#if AMQP && Redis
import Celeriac
import CeleriacAMQP
import CeleriacQueues
import CeleriacRedis
import CeleriacTestKit
import Foundation
import Logging
import NIOPosix
import Testing

/// A queue of RabbitMQ on which attempts are counted: its type, the dialect, and whether the results are in Redis,
/// which counts, or at RabbitMQ, which does not.
struct AttemptCase: Sendable, CustomTestStringConvertible {
    var dialect: String
    var queueType: String
    var countsInStore: Bool
    /// How often RabbitMQ delivers a message again before it drops it; nil for its default.
    var deliveryLimit: Int?
    /// What RabbitMQ it is; nil for the one that the tests share.
    var release: RabbitMQRelease?

    /// Those whose queues are at RabbitMQ 4, as far as it is there.
    static let newer: [AttemptCase] = RabbitMQRelease.available.filter { $0 != .installed }.flatMap { release in
        ["celery", "machinery"].flatMap { dialect in
            [true, false].map { countsInStore in
                AttemptCase(dialect: dialect, queueType: "quorum", countsInStore: countsInStore, release: release)
            }
        }
    }

    static let all = ["celery", "machinery"].flatMap { dialect in
        ["classic", "quorum"].flatMap { type in
            [true, false].map { AttemptCase(dialect: dialect, queueType: type, countsInStore: $0) }
        }
    }

    var testDescription: String {
        "\(dialect), \(queueType) queue, results \(countsInStore ? "in Redis" : "at RabbitMQ")"
            + (deliveryLimit.map { ", at most \($0) deliveries more" } ?? "") + (release.map { ", \($0)" } ?? "")
    }
}

/// A virtual host of RabbitMQ with one such queue.
struct AttemptSite: Sendable {
    let kind: AttemptCase
    let folder: TemporaryFolder
    let client: AMQPClient
    let sender: any TaskSender
    private let broker: String
    private let results: String
    private let closeApp: @Sendable () async -> Void
    /// The server, if it is this site's own.
    private let server: RabbitMQServer?

    init(_ kind: AttemptCase) async throws {
        self.kind = kind
        folder = try TemporaryFolder("attempts")
        if let release = kind.release {
            let own = try await RabbitMQServer.start(.init(release: release))
            server = own
            broker = own.url
        } else {
            server = nil
            broker = try await SharedServers.shared.rabbitMQVirtualHostURL()
        }
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        client = AMQPClient(
            configurations: [try AMQPConfiguration(url: broker)],
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup, logger: logger)
        let redis = try await SharedServers.shared.redisDatabaseURL()
        var arguments: WireObject = ["x-queue-type": .string(kind.queueType)]
        // The workers use the queue as the sender declares it.
        if let limit = kind.deliveryLimit { arguments["x-delivery-limit"] = .int(Int64(limit)) }
        if kind.dialect == "celery" {
            results = kind.countsInStore ? redis : "rpc://"
            var configuration = CeleryConfiguration()
            configuration.amqp.defaultQueueArguments = arguments
            let app = try CeleryApp(broker: broker, results: results, configuration: configuration, logger: logger)
            sender = app
            closeApp = { await app.close() }
        } else {
            results = kind.countsInStore ? redis : broker
            let server = try MachineryServer(
                configuration: MachineryConfiguration(
                    broker: broker, resultBackend: results,
                    amqp: MachineryAMQPOptions(queueDeclareArguments: arguments)),
                logger: logger)
            sender = server
            closeApp = { await server.close() }
        }
    }

    /// The file in which tasks record that they ended. In another with the suffix `.begun` they record that they begin.
    var path: String { folder.path + "/recorded" }

    var queue: String { kind.dialect == "celery" ? "celery" : "machinery_tasks" }

    /// Starts a worker that runs four tasks at a time, unless told otherwise, and holds 24 messages.
    func launch(concurrency: Int = 4) throws -> LiveWorkerProcess {
        try .launch(
            dialect: kind.dialect, broker: broker, results: results, folder: folder, queueType: kind.queueType,
            concurrency: concurrency, prefetchMultiplier: 24 / concurrency)
    }

    /// How many messages wait in a queue; 0 if there is no such queue.
    func depth(_ queue: String) async throws -> Int { try await client.depth(of: queue, at: "the test's broker") }

    /// The keys by which Redis counts attempts.
    func counters() async throws -> [String] {
        guard kind.countsInStore else { return [] }
        let redis = RedisClient(
            try RedisConfiguration(url: results), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "live"))
        let keys = try await redis.send(RedisCommand("KEYS", "celeriac.attempts.*")).array ?? []
        await redis.close()
        return keys.compactMap(\.string)
    }

    func close() async {
        await closeApp()
        await client.close()
        await server?.stop()
        folder.remove()
    }
}
#endif
