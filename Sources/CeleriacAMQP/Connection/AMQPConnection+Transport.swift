#if AMQP

internal import CeleriacCore
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

extension AMQPConnection {
    /// Starts connecting. `opened` is called once on the event loop, with `nil` when the connection is open, or with
    /// the error.
    func start(_ opened: @escaping @Sendable (AMQPError?) -> Void) {
        self.opened = opened
        if let missingPassword {
            obey(
                state.connectFailed(
                    AMQPError(.connectFailed, "There is no password for the broker.", cause: missingPassword)))
            return
        }
        let context: NIOSSLContext?
        do {
            context = try configuration.tls.map { try NIOSSLContext(configuration: Self.tlsConfiguration($0)) }
        } catch {
            obey(
                state.connectFailed(
                    AMQPError(
                        .tls, "A certificate or key file cannot be read; check the paths and that the files are PEM.",
                        cause: error)))
            return
        }
        let serverName = configuration.tls?.serverName ?? Self.serverName(configuration.host)
        obey(state.start(now: .now()))
        ClientBootstrap(group: eventLoop)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context {
                        try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: serverName))
                    }
                    try pipeline.addHandler(TransportHandler(self))
                }
            }
            .connect(host: configuration.host, port: configuration.port)
            .whenComplete { result in
                self.assumeIsolated { $0.connected(result) }
            }
    }

    static func tlsConfiguration(_ settings: AMQPTLS) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let file = settings.caFile { tls.trustRoots = .file(file) }
        if let file = settings.certificateFile {
            tls.certificateChain = try NIOSSLCertificate.fromPEMFile(file).map { .certificate($0) }
        }
        // By convention, one file may contain both.
        if let file = settings.keyFile ?? settings.certificateFile {
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: file, format: .pem))
        }
        switch settings.verification {
        case .full: tls.certificateVerification = .fullVerification
        case .noHostname: tls.certificateVerification = .noHostnameVerification
        case .none: tls.certificateVerification = .none
        }
        return tls
    }

    /// The name to request in TLS. An IP address has none; the certificate is then verified against the address.
    static func serverName(_ host: String) -> String? {
        (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
    }

    private func connected(_ result: Result<any Channel, any Error>) {
        switch result {
        case .success(let channel):
            guard state.isHandshaking else {
                channel.close(promise: nil)
                return
            }
            transport = channel
            obey(state.connected(now: .now()))
        case .failure(let error):
            let failure =
                if case .connectTimeout = error as? ChannelError {
                    AMQPError(.timeout, "No connection within \(configuration.connectTimeout).", cause: error)
                } else {
                    AMQPError(
                        .connectFailed, "The broker cannot be reached; check host and port, and that it runs.",
                        cause: error)
                }
            obey(state.connectFailed(failure))
        }
    }

    // MARK: Events of the socket

    func received(_ buffer: ByteBuffer, on channel: any Channel) {
        guard channel === transport else { return }
        obey(state.received(buffer, now: .now()))
    }

    func readEnded() {
        obey(state.readEnded(now: .now()))
    }

    func transportFailed(_ error: any Error, _ channel: any Channel) {
        guard channel === transport else { return }
        let isUncleanShutdown = if case NIOSSLError.uncleanShutdown = error { true } else { false }
        let isTLS = error is NIOSSLError || error is NIOSSLExtraError || error is BoringSSLError
        obey(state.transportFailed(error, isTLS: isTLS, isUncleanShutdown: isUncleanShutdown))
    }

    func transportClosed(_ channel: any Channel) {
        guard channel === transport else { return }
        obey(state.transportClosed())
    }

    // MARK: Actions

    /// Carries out the state's actions in order. An action can cause an input right away, as closing the socket does;
    /// the resulting actions wait for the current ones.
    func obey(_ actions: [ConnectionAction]) {
        guard !isObeying else { return waitingActions.append(contentsOf: actions) }
        isObeying = true
        for action in actions { obey(action) }
        while !waitingActions.isEmpty {
            let more = waitingActions
            waitingActions = []
            for action in more { obey(action) }
        }
        isObeying = false
    }

    private func obey(_ action: ConnectionAction) {
        switch action {
        case .write(let bytes, let reportsWritten): write(bytes, reportsWritten: reportsWritten)
        case .flushLater:
            eventLoop.execute { self.assumeIsolated { $0.obey($0.state.flush(now: .now())) } }
        case .answer(let id, let result): answer(id, result)
        case .deliver(let events, let consumer): consumers[consumer]?(events)
        case .dropConsumer(let consumer): consumers[consumer] = nil
        case .channelEnded(let id, let error):
            guard let channel = channels[id.number], channel.id == id else { break }
            channels[id.number] = nil
            channel.ended(error)
        case .schedule(let timer, let deadline):
            timers[timer]?.cancel()
            timers[timer] = eventLoop.scheduleTask(deadline: deadline) {
                self.assumeIsolated { $0.obey($0.state.timerFired(timer, now: .now())) }
            }
        case .cancel(let timer): timers.removeValue(forKey: timer)?.cancel()
        case .opened:
            logger.debug("AMQP connection open")
            opened?(nil)
            opened = nil
        case .ended(let error): ended(error)
        case .log(let notice): log(notice)
        }
    }

    private func write(_ bytes: ByteBuffer, reportsWritten: Bool) {
        guard let transport else { return }
        guard reportsWritten else {
            transport.writeAndFlush(bytes, promise: nil)
            return
        }
        transport.writeAndFlush(bytes).whenSuccess {
            self.assumeIsolated { $0.obey($0.state.written()) }
        }
    }

    private func answer(_ id: WaiterID, _ result: Result<ConnectionAction.Answer, AMQPError>) {
        switch callers.removeValue(forKey: id) {
        case .answer(let continuation)?: continuation.resume(returning: result)
        case .channel(let continuation)?:
            continuation.resume(
                returning: result.flatMap { answer in
                    guard case .channel(let id) = answer else {
                        return .failure(.violation("no answer to channel.open"))
                    }
                    return .success(handle(of: id))
                })
        case nil: break
        }
    }

    /// The handle of a channel, created when the channel has opened.
    private func handle(of id: ChannelID) -> AMQPChannel {
        if let channel = channels[id.number], channel.id == id { return channel }
        let channel = AMQPChannel(connection: self, id: id)
        channels[id.number] = channel
        return channel
    }

    private func ended(_ error: AMQPError) {
        for timer in timers.values { timer.cancel() }
        timers = [:]
        let transport = self.transport
        self.transport = nil
        transport?.close(mode: .all, promise: nil)
        logger.debug("AMQP connection ended", metadata: [LogKey.error: "\(error)"])
        let opened = self.opened
        self.opened = nil
        opened?(error)
        let handlers = closeHandlers
        closeHandlers = []
        for handler in handlers { handler(error) }
        let waiting = closeWaiters
        closeWaiters = []
        for continuation in waiting { continuation.resume() }
    }

    private func log(_ notice: ConnectionAction.Notice) {
        switch notice {
        case .blocked(let reason):
            logger.warning(
                "the AMQP broker blocks publishes until it has memory or disk again",
                metadata: [LogKey.reason: "\(reason)"])
        case .unblocked: logger.info("the AMQP broker accepts publishes again")
        case .brokenOff(let error):
            logger.debug("aborted the AMQP connection", metadata: [LogKey.error: "\(error)"])
        }
    }
}

/// Passes socket events to the connection, whose executor is the event loop that this runs on.
///
/// While connecting, a host with several addresses can have several sockets. The connection listens to one of them.
final class TransportHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let connection: AMQPConnection

    init(_ connection: AMQPConnection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let channel = context.channel
        let buffer = unwrapInboundIn(data)
        connection.assumeIsolated { $0.received(buffer, on: channel) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        connection.assumeIsolated { $0.readEnded() }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let channel = context.channel
        connection.assumeIsolated { $0.transportClosed(channel) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        let channel = context.channel
        connection.assumeIsolated { $0.transportFailed(error, channel) }
    }
}

#endif
