#if Redis
import Synchronization

@testable import CeleriacRedis

/// Why connections were closed, in order.
final class Reasons: Sendable {
    private let codes = Mutex<[RedisError.Code]>([])

    var all: [RedisError.Code] { codes.withLock { $0 } }

    func note(_ code: RedisError.Code) { codes.withLock { $0.append(code) } }
}
#endif
