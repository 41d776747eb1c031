#if Redis
import NIOCore

@testable import CeleriacRedis

/// The answer to a batch on an embedded event loop, and the number of answers.
final class Outcome {
    private(set) var replies: [RedisValue]?
    private(set) var error: RedisError?
    private(set) var count = 0

    /// A waiter that reports here.
    func waiter(on eventLoop: any EventLoop) -> RedisWaiter {
        let promise = eventLoop.makePromise(of: [RedisValue].self)
        promise.futureResult.assumeIsolated().whenComplete { result in
            self.count += 1
            switch result {
            case .success(let replies): self.replies = replies
            case .failure(let error): self.error = error as? RedisError
            }
        }
        return .promise(promise)
    }
}
#endif
