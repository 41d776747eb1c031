import Celeriac
import CeleriacTestKit
import Foundation

/// A broker with a result store, as the live matrix tries them.
enum MatrixTransport: String, CaseIterable, CustomTestStringConvertible {
    case redis = "Redis + Redis"
    case rabbitRPC = "RabbitMQ + rpc"
    case rabbitRedis = "RabbitMQ + Redis"
    case filesystem = "filesystem + file"

    var testDescription: String { rawValue }

    /// Those of this build.
    static var available: [MatrixTransport] {
        allCases.filter { transport in
            switch transport {
            case .filesystem: true
            #if Redis
            case .redis: true
            #endif
            #if AMQP
            case .rabbitRPC: true
            #endif
            #if AMQP && Redis
            case .rabbitRedis: true
            #endif
            default: false
            }
        }
    }
}
