#if Redis
internal import Logging
internal import NIOCore

/// Asks sentinels where the primary is: ``RedisSentinelRound`` decides, and this connects, asks and hangs up.
enum RedisSentinelResolver {
    /// Finds the primary. The future fails with a ``RedisError`` that tells what each sentinel said.
    static func primary(
        _ sentinels: RedisSentinels, within limit: Duration, on eventLoop: any EventLoop, logger: Logger
    ) -> EventLoopFuture<RedisAddress> {
        let round = RedisSentinelRound(sentinels)
        return follow(
            round.step, round, of: sentinels, each: sentinels.share(of: limit), on: eventLoop, logger: logger)
    }

    private static func follow(
        _ step: RedisSentinelRound.Step, _ round: RedisSentinelRound, of sentinels: RedisSentinels,
        each limit: Duration, on eventLoop: any EventLoop, logger: Logger
    ) -> EventLoopFuture<RedisAddress> {
        switch step {
        case .found(let primary, by: let sentinel):
            sentinels.askFirst(sentinel)
            return eventLoop.makeSucceededFuture(primary)
        case .failed(let error):
            return eventLoop.makeFailedFuture(error)
        case .ask(let sentinel):
            return ask(sentinel, round.commands, of: sentinels, each: limit, on: eventLoop, logger: logger)
                .flatMap { answer in
                    var round = round
                    let next = round.take(answer)
                    return follow(next, round, of: sentinels, each: limit, on: eventLoop, logger: logger)
                }
        }
    }

    private static func ask(
        _ sentinel: RedisAddress, _ commands: [RedisCommand], of sentinels: RedisSentinels, each limit: Duration,
        on eventLoop: any EventLoop, logger: Logger
    ) -> EventLoopFuture<Result<[RedisValue], RedisError>> {
        var configuration = RedisConfiguration(host: sentinel.host, port: sentinel.port)
        configuration.user = sentinels.user
        configuration.password = sentinels.password
        configuration.tls = sentinels.tls
        configuration.connectTimeout = limit
        return RedisConnector.connect(configuration, on: eventLoop, logger: logger)
            .flatMap { connection -> EventLoopFuture<[RedisValue]> in
                let replies = connection.submit(commands, timeout: limit)
                replies.whenComplete { _ in _ = connection.beginClose() }
                return replies
            }
            .map { replies -> Result<[RedisValue], RedisError> in .success(replies) }
            .recover { error in
                .failure(RedisError(transport: error, code: .connectFailed, "It did not answer."))
            }
    }
}
#endif
