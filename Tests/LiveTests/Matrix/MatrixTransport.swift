import Celeriac
import CeleriacTestKit
import Testing

/// A broker with a result store, as a transport of the live matrix.
enum MatrixTransport: String, CaseIterable, CustomTestStringConvertible {
    case redis = "Redis + Redis"
    case rabbitRPC = "RabbitMQ + rpc"
    case rabbitRedis = "RabbitMQ + Redis"
    case filesystem = "filesystem + file"

    var testDescription: String { rawValue }

    /// The transports that this build supports.
    static var available: [MatrixTransport] { allCases.filter { $0.absence == nil } }

    /// Why this build lacks the transport; nil if it has it.
    var absence: String? {
        switch self {
        #if !Redis
        case .redis: "needs the trait Redis"
        #endif
        #if !AMQP
        case .rabbitRPC: "needs the trait AMQP"
        #endif
        #if !(AMQP && Redis)
        case .rabbitRedis: "needs the traits AMQP and Redis"
        #endif
        default: nil
        }
    }
}
