import Celeriac
import CeleriacTestKit
import Glibc
import Logging

#if Redis
import CeleriacRedis
#endif

/// A private server.
enum LiveServer: Sendable {
    case redis(RedisServer)
    case rabbitMQ(RabbitMQServer)

    static func start(_ kind: BrokerSite.Kind, release: RabbitMQRelease? = nil) async throws -> LiveServer {
        switch kind {
        case .redis: .redis(try await RedisServer.start())
        case .rabbitMQ, .rabbitMQRedis: .rabbitMQ(try await RabbitMQServer.start(.init(release: release)))
        }
    }

    var url: String {
        switch self {
        case .redis(let redis): redis.url
        case .rabbitMQ(let rabbitMQ): rabbitMQ.url
        }
    }

    /// Sends a signal to the server's process, for instance one that freezes it.
    func signal(_ signal: Int32) {
        let pid =
            switch self {
            case .redis(let redis): redis.pid
            case .rabbitMQ(let rabbitMQ): rabbitMQ.pid
            }
        if let pid { kill(pid, signal) }
    }

    func restart() async throws {
        switch self {
        case .redis(let redis): try await redis.restart()
        case .rabbitMQ(let rabbitMQ): try await rabbitMQ.restart()
        }
    }

    func stop() async {
        switch self {
        case .redis(let redis): await redis.stop()
        case .rabbitMQ(let rabbitMQ): await rabbitMQ.stop()
        }
    }

    /// How many messages are in a queue, and how many are claimed. In Redis, the sizes of some keys give the numbers.
    func messages(
        in queue: String, redisClaims claims: [(command: String, key: String)] = []
    ) async throws -> (waiting: Int, unsettled: Int) {
        switch self {
        case .redis:
            #if Redis
            let connection = try await RedisConnection.connect(
                try RedisConfiguration(url: url), on: sharedEventLoop(), logger: Logger(label: "live"))
            let replies = try await connection.send(
                [RedisCommand("LLEN", queue)] + claims.map { RedisCommand($0.command, $0.key) })
            await connection.close()
            let counts = replies.map { Int($0.int ?? -1) }
            return (counts[0], counts.dropFirst().max() ?? 0)
            #else
            return (-1, -1)
            #endif
        case .rabbitMQ(let rabbitMQ):
            let lines = try await rabbitMQ.rabbitmqctl(
                "--silent", "list_queues", "name", "messages_ready", "messages_unacknowledged")
            for line in lines.split(separator: "\n") {
                let fields = line.split(separator: "\t")
                if fields.count == 3, fields[0] == queue { return (Int(fields[1]) ?? -1, Int(fields[2]) ?? -1) }
            }
            return (0, 0)
        }
    }
}
