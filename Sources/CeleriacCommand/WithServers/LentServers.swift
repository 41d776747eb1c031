import CeleriacTestKit

/// The servers of one `with-servers` run, and the environment variables that name them.
struct LentServers: Sendable {
    private(set) var variables: [String: String] = [:]
    private let redis: RedisServer?
    private let rabbitMQ: RabbitMQServer?

    static func start(redis: Bool, rabbitMQ: Bool, tls: Bool) async throws -> LentServers {
        let certificates = tls ? try await TestCertificates.shared() : nil
        async let startedRedis = redis ? RedisServer.start(.init(tls: certificates?.server, persistent: false)) : nil
        async let startedRabbitMQ = rabbitMQ ? RabbitMQServer.start(.init(tls: certificates?.server)) : nil
        return LentServers(
            redis: try await startedRedis, rabbitMQ: try await startedRabbitMQ, certificates: certificates)
    }

    private init(redis: RedisServer?, rabbitMQ: RabbitMQServer?, certificates: TestCertificates?) {
        self.redis = redis
        self.rabbitMQ = rabbitMQ
        variables["CELERIAC_REDIS_URL"] = redis?.url
        variables["CELERIAC_REDIS_TLS_URL"] = redis?.tlsURL
        variables["CELERIAC_AMQP_URL"] = rabbitMQ?.url
        variables["CELERIAC_AMQP_TLS_URL"] = rabbitMQ?.tlsURL
        variables["CELERIAC_TLS_CA"] = certificates?.authorityPath
        variables["CELERIAC_TLS_CERT"] = certificates?.client.certificatePath
        variables["CELERIAC_TLS_KEY"] = certificates?.client.privateKeyPath
    }

    /// Ends the servers by force, since their data are of no more use, and removes their folders.
    func end() async {
        await redis?.kill()
        await rabbitMQ?.kill()
        await redis?.stop()
        await rabbitMQ?.stop()
    }
}
