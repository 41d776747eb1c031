#if Redis
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// Makes connections: socket, TLS and the first commands, within one time limit.
enum RedisConnector {
    /// Connects and logs in. The future fails with a ``RedisError``.
    static func connect(
        _ configuration: RedisConfiguration, on eventLoop: any EventLoop, logger: Logger
    ) -> EventLoopFuture<RedisConnection> {
        let promise = eventLoop.makePromise(of: RedisConnection.self)
        let timeout = eventLoop.scheduleTask(in: TimeAmount(clamping: configuration.connectTimeout)) {
            promise.fail(RedisError(.timeout, "\(configuration) did not accept a connection in time."))
        }
        context(configuration.tls, on: eventLoop)
            .flatMap { context in
                openChannel(configuration, on: eventLoop, context: context)
            }
            .whenComplete { result in
                switch result {
                case .success(let channel):
                    // Whoever fails the promise, the channel must not stay.
                    promise.futureResult.whenFailure { _ in channel.close(mode: .all, promise: nil) }
                    logIn(channel, configuration).cascade(to: promise)
                case .failure(let error):
                    promise.fail(
                        RedisError(
                            transport: error, code: .connectFailed,
                            "\(configuration) cannot be reached: check that it runs, and its address."))
                }
            }
        promise.futureResult.whenComplete { result in
            timeout.cancel()
            switch result {
            case .success: logger.debug("connected to Redis", metadata: ["server": "\(configuration)"])
            case .failure(let error):
                logger.debug(
                    "no connection to Redis", metadata: ["server": "\(configuration)", "error": "\(error)"])
            }
        }
        return promise.futureResult
    }

    private static func context(
        _ tls: RedisTLS?, on eventLoop: any EventLoop
    ) -> EventLoopFuture<NIOSSLContext?> {
        guard let tls else { return eventLoop.makeSucceededFuture(nil) }
        return NIOThreadPool.singleton.runIfActive(eventLoop: eventLoop) { () throws -> NIOSSLContext? in
            do {
                return try tls.makeContext()
            } catch {
                throw RedisError(.tls, "The certificate files cannot be used.", cause: error)
            }
        }
    }

    private static func openChannel(
        _ configuration: RedisConfiguration, on eventLoop: any EventLoop, context: NIOSSLContext?
    ) -> EventLoopFuture<any Channel> {
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(clamping: configuration.connectTimeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let context {
                        try channel.pipeline.syncOperations.addHandler(
                            tlsHandler(context, host: configuration.host))
                    }
                    try channel.pipeline.syncOperations.addHandler(
                        RedisChannelHandler(maximumReplyBytes: configuration.maximumReplyBytes))
                }
            }
        if let path = configuration.unixSocketPath {
            return bootstrap.connect(unixDomainSocketPath: path)
        }
        // A peer that vanished without a word is noticed within a minute, also while a command blocks.
        return
            bootstrap
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: 30)
            .channelOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: 10)
            .channelOption(.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: 3)
            .connect(host: configuration.host, port: configuration.port)
    }

    private static func tlsHandler(_ context: NIOSSLContext, host: String) throws -> NIOSSLClientHandler {
        // An address is no server name; the certificate must then name the address itself.
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
    }

    private static func logIn(
        _ channel: any Channel, _ configuration: RedisConfiguration
    ) -> EventLoopFuture<RedisConnection> {
        let queue: RedisRequestQueue
        do {
            let handler = try channel.pipeline.syncOperations.handler(type: RedisChannelHandler.self)
            queue = RedisRequestQueue(handler: handler, eventLoop: channel.eventLoop)
            handler.attach(queue)
        } catch {
            // The channel lost its handlers: it was closed at once.
            return channel.eventLoop.makeFailedFuture(
                RedisError(.connectFailed, "\(configuration) ended the connection at once.", cause: error))
        }
        // One batch per step, so that a server that answers the first with an error and then hangs up is understood.
        let steps = RedisLogin.steps(configuration).map { step in
            let promise = channel.eventLoop.makePromise(of: [RedisValue].self)
            // Without a limit of its own: that of connecting counts.
            queue.send([step.command], timeout: nil, waiter: .promise(promise))
            return promise.futureResult.flatMapThrowing { replies in
                try RedisLogin.judge(replies, of: step.purpose)
            }
        }
        return EventLoopFuture.whenAllSucceed(steps, on: channel.eventLoop).assumeIsolated()
            .flatMapErrorThrowing { error in
                let error = RedisError(transport: error, code: .connectFailed, "The log-in failed.")
                guard error.code == .connectionLost else { throw error }
                throw RedisError(
                    .connectFailed, "\(configuration) ended the connection during the log-in.", cause: error)
            }
            .map { clientIDs in
                RedisConnection(
                    channel: channel, queue: queue, clientID: clientIDs.last ?? nil,
                    commandTimeout: configuration.commandTimeout)
            }
            .nonisolated()
    }
}
#endif
