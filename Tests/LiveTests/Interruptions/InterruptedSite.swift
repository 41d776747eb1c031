import Testing

/// The sites for interruptions: each dialect on its brokers.
enum InterruptedSite: Sendable, CustomTestStringConvertible {
    case celery(BrokerSite.Kind)
    #if Redis
    case machinery(BrokerSite.Kind)
    #endif

    /// The sites that this build supports.
    static var available: [InterruptedSite] {
        var available = BrokerSite.Kind.available.map { InterruptedSite.celery($0) }
        #if Redis
        available += BrokerSite.Kind.available.map { .machinery($0) }
        #endif
        return available
    }

    /// The sites that this build supports, including those with a separate result store.
    static var all: [InterruptedSite] {
        #if AMQP && Redis
        available + [.celery(.rabbitMQRedis)]
        #else
        available
        #endif
    }

    func site(visibilityTimeout: Double = 3600) async throws -> any LiveSite {
        switch self {
        case .celery(let kind): try await BrokerSite(kind, visibilityTimeout: visibilityTimeout)
        #if Redis
        case .machinery(let kind): try await MachinerySite(kind, visibilityTimeout: visibilityTimeout)
        #endif
        }
    }

    var testDescription: String {
        switch self {
        case .celery(let kind): "Celery: \(kind.rawValue)"
        #if Redis
        case .machinery(let kind): "Machinery: \(kind == .redis ? "Redis + Redis" : "RabbitMQ + Redis")"
        #endif
        }
    }
}
