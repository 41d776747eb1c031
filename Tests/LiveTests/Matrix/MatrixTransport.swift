import Celeriac
import CeleriacTestKit
import Testing

/// A broker with a result store, as the live matrix tries them.
enum MatrixTransport: String, CaseIterable, CustomTestStringConvertible {
    case redis = "Redis + Redis"
    case rabbitRPC = "RabbitMQ + rpc"
    case rabbitRedis = "RabbitMQ + Redis"
    case filesystem = "filesystem + file"

    var testDescription: String { rawValue }

    /// Those of this build.
    static var available: [MatrixTransport] {
        var available: [MatrixTransport] = [.filesystem]
        #if Redis
        available.append(.redis)
        #endif
        #if AMQP
        available.append(.rabbitRPC)
        #endif
        #if AMQP && Redis
        available.append(.rabbitRedis)
        #endif
        return available
    }
}
