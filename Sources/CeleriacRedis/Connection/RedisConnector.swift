#if Redis
internal import CeleriacCore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// Makes connections: the sentinels' answer or the node whose turn it is, the user and password of the moment, socket, TLS and
/// login commands, within one time limit. The one place where connections are made, so that each leads to the server that is the right one now.
enum RedisConnector {
    /// Connects and logs in. The future fails with a ``RedisError``.
    static func connect(
        _ configuration: RedisConfiguration, on eventLoop: any EventLoop, logger: Logger
    ) -> EventLoopFuture<RedisConnection> {
        let promise = eventLoop.makePromise(of: RedisConnection.self)
        let timeout = eventLoop.scheduleTask(in: TimeAmount(clamping: configuration.connectTimeout)) {
            promise.fail(late(configuration))
        }
        server(of: configuration, on: eventLoop, logger: logger)
            .whenComplete { result in
                switch result {
                case .success(let server): dial(server, on: eventLoop, promise)
                case .failure(let error):
                    promise.fail(
                        RedisError(
                            transport: error, code: .connectFailed, "The server's address could not be found."))
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
        return promise.futureResult.flatMapErrorThrowing { error -> RedisConnection in
            configuration.tryAnotherNext()
            throw error
        }
    }

    private static func late(_ configuration: RedisConfiguration) -> RedisError {
        RedisError(
            .timeout, "\(configuration) did not answer in time: check that it runs and that the address is right.",
            isOfConnecting: true)
    }

    /// The configuration with what holds at the moment: the address, user and password.
    private static func server(
        of configuration: RedisConfiguration, on eventLoop: any EventLoop, logger: Logger
    ) -> EventLoopFuture<RedisConfiguration> {
        var found = eventLoop.makeSucceededFuture(configuration.inTurn)
        if let sentinels = configuration.sentinels {
            found = RedisSentinelResolver.primary(
                sentinels, within: configuration.connectTimeout, on: eventLoop, logger: logger
            ).map { primary -> RedisConfiguration in
                var server = configuration
                server.host = primary.host
                server.port = primary.port
                return server
            }
        }
        let (credentials, file) = (configuration.credentials, configuration.passwordFile)
        guard credentials != nil || file != nil else { return found }
        return found.flatMap { found in
            eventLoop.makeFutureWithTask { () async throws -> RedisConfiguration in
                var server = found
                if let file {
                    do {
                        server.password = try SecretFile.read(file)
                    } catch {
                        throw RedisError(.connectFailed, "There is no password for \(configuration).", cause: error)
                    }
                }
                guard let credentials else { return server }
                do {
                    let (user, password) = try await credentials()
                    server.user = user
                    server.password = password
                } catch {
                    throw RedisError(
                        .connectFailed, "The program could not tell the user and password for \(configuration).",
                        cause: error)
                }
                return server
            }
        }
    }

    private static func dial(
        _ server: RedisConfiguration, on eventLoop: any EventLoop, _ promise: EventLoopPromise<RedisConnection>
    ) {
        context(server.tls, on: eventLoop)
            .flatMap { context in
                openChannel(server, on: eventLoop, context: context)
            }
            .whenComplete { result in
                switch result {
                case .success(let channel):
                    // The channel must not outlive a failed promise, no matter what failed it.
                    promise.futureResult.whenFailure { _ in channel.close(mode: .all, promise: nil) }
                    logIn(channel, server).cascade(to: promise)
                case .failure(let error):
                    let error = RedisError(
                        transport: error, code: .connectFailed,
                        "\(server.place) cannot be reached: check that it runs and that the address is right.")
                    promise.fail(error.code == .timeout ? late(server) : error)
                }
            }
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
                RedisError(.connectFailed, "\(configuration.place) closed the connection immediately.", cause: error))
        }
        // Each step is its own batch, so that the first error is understood even if the server hangs up right after it.
        let steps = RedisLogin.steps(configuration).map { step in
            let promise = channel.eventLoop.makePromise(of: [RedisValue].self)
            // The step has no limit of its own, since the limit of the whole connection attempt applies.
            queue.send([step.command], timeout: nil, waiter: .promise(promise))
            return promise.futureResult.flatMapThrowing { replies in
                try RedisLogin.judge(replies, of: step.purpose, at: configuration)
            }
        }
        return EventLoopFuture.whenAllSucceed(steps, on: channel.eventLoop).assumeIsolated()
            .flatMapErrorThrowing { error in
                let error = RedisError(transport: error, code: .connectFailed, "The login failed.")
                guard error.code == .connectionLost else { throw error }
                throw RedisError(
                    .connectFailed, "\(configuration.place) closed the connection during the login.", cause: error)
            }
            .map { identities in
                RedisConnection(
                    channel: channel, queue: queue,
                    identity: identities.lazy.compactMap(\.self).first ?? RedisLogin.Identity(),
                    configuration: configuration)
            }
            .nonisolated()
    }
}
#endif
