#if Redis
internal import NIOCore

/// Who waits for the replies of a batch. It is resumed exactly once.
enum RedisWaiter {
    case continuation(CheckedContinuation<Result<[RedisValue], RedisError>, Never>)
    case promise(EventLoopPromise<[RedisValue]>)

    func succeed(_ replies: [RedisValue]) {
        switch self {
        case .continuation(let continuation): continuation.resume(returning: .success(replies))
        case .promise(let promise): promise.succeed(replies)
        }
    }

    func fail(_ error: RedisError) {
        switch self {
        case .continuation(let continuation): continuation.resume(returning: .failure(error))
        case .promise(let promise): promise.fail(error)
        }
    }
}
#endif
