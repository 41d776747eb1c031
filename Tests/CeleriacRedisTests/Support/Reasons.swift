#if Redis
import NIOConcurrencyHelpers

@testable import CeleriacRedis

/// The reasons why connections were closed, in order.
final class Reasons: Sendable {
    private let codes = NIOLockedValueBox<[RedisError.Code]>([])

    var all: [RedisError.Code] { codes.withLockedValue { $0 } }

    func note(_ code: RedisError.Code) { codes.withLockedValue { $0.append(code) } }
}
#endif
