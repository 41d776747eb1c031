import CeleriacTestKit
import CeleriacWire
import Logging

/// The brokers that a live run can have.
enum LiveBrokerKind: String, Sendable, CaseIterable {
    case redis, rabbitmq
}

/// The private servers of a live run, with a raw client of each.
struct LiveServices: Sendable {
    let broker: any LiveBroker
    let store: any LiveStore
    /// The variables by which testees find the servers: those that Celery and Machinery read.
    let variables: [String: String]

    /// Starts the servers, unless this process has some.
    ///
    /// - Throws: `TestKitError` for a server that is missing or does not start; ``ConformanceError`` in a build that lacks the
    ///   trait for one.
    static func start(_ kind: LiveBrokerKind, dialect: Corpus.Dialect) async throws -> LiveServices {
        #if Redis
        var logger = Logger(label: "celeriac.conform")
        logger.logLevel = .critical
        let redis = try await SharedServers.shared.redisDatabaseURL()
        let store = try RedisLiveServer(url: redis, logger: logger)
        switch kind {
        case .redis:
            return LiveServices(broker: store, store: store, variables: variables(dialect, redis, redis))
        case .rabbitmq:
            #if AMQP
            let url = try await SharedServers.shared.rabbitMQVirtualHostURL()
            let broker = try AMQPLiveBroker(url: url, logger: logger)
            return LiveServices(broker: broker, store: store, variables: variables(dialect, url, redis))
            #else
            throw ConformanceError("this build lacks the trait AMQP")
            #endif
        }
        #else
        throw ConformanceError("this build lacks the trait Redis")
        #endif
    }

    /// Closes the clients. The servers end with the process.
    func close() async {
        await broker.close()
        await store.close()
    }

    private static func variables(_ dialect: Corpus.Dialect, _ broker: String, _ results: String) -> [String: String] {
        switch dialect {
        case .celery: ["CELERY_BROKER_URL": broker, "CELERY_RESULT_BACKEND": results]
        case .machinery: ["BROKER": broker, "RESULT_BACKEND": results, "DEFAULT_QUEUE": "machinery_tasks"]
        }
    }
}
