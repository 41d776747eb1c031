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

/// Makes connections: socket, TLS and login commands, within one time limit.
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
                    // The channel must not outlive a failed promise, no matter what failed it.
                    promise.futureResult.whenFailure { _ in channel.close(mode: .all, promise: nil) }
                    logIn(channel, configuration).cascade(to: promise)
                case .failure(let error):
                    promise.fail(
                        RedisError(
                            transport: error, code: .connectFailed,
                            "\(configuration) cannot be reached: check that it runs and that the address is right."))
                }
            }
        promise.futureResult.whenComplete { result in
            timeout.cancel()
            switch result {
            case .success: logger.debug("connected to Redis", metadata: ["server": "\(configuration)"])
            case .failure(let error):
                logger.debug(
                    "cannot connect to Redis", metadata: ["server": "\(configuration)", "error": "\(error)"])
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
                throw RedisError(.tls, "The certificate files could not be loaded.", cause: error)
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
        // This notices within a minute that a peer has vanished silently, even while a command blocks.
        return
            bootstrap
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.init(rawValue: TCP_KEEPIDLE)), value: 30)
            .channelOption(.tcpOption(.init(rawValue: TCP_KEEPINTVL)), value: 10)
            .channelOption(.tcpOption(.init(rawValue: TCP_KEEPCNT)), value: 3)
            .connect(host: configuration.host, port: configuration.port)
    }

    private static func tlsHandler(_ context: NIOSSLContext, host: String) throws -> NIOSSLClientHandler {
        // An address is not a server name; the certificate must then name the address itself.
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
            // The channel has lost its handlers, because it was closed immediately.
            return channel.eventLoop.makeFailedFuture(
                RedisError(.connectFailed, "\(configuration) closed the connection immediately.", cause: error))
        }
        // Each step is its own batch, so that the first error is understood even if the server hangs up right after it.
        let steps = RedisLogin.steps(configuration).map { step in
            let promise = channel.eventLoop.makePromise(of: [RedisValue].self)
            // The step has no limit of its own, since the limit of the whole connection attempt applies.
            queue.send([step.command], timeout: nil, waiter: .promise(promise))
            return promise.futureResult.flatMapThrowing { replies in
                try RedisLogin.judge(replies, of: step.purpose)
            }
        }
        return EventLoopFuture.whenAllSucceed(steps, on: channel.eventLoop).assumeIsolated()
            .flatMapErrorThrowing { error in
                let error = RedisError(transport: error, code: .connectFailed, "The login failed.")
                guard error.code == .connectionLost else { throw error }
                throw RedisError(
                    .connectFailed, "\(configuration) closed the connection during the login.", cause: error)
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
