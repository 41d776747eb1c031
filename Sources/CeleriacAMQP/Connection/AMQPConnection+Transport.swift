#if AMQP

internal import DequeModule
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import NIOSSL

extension AMQPConnection {
    /// Begins to connect; `opened` hears once, on the event loop, how it ended: `nil` when the connection is open.
    func start(_ opened: @escaping @Sendable (AMQPError?) -> Void) {
        self.opened = opened
        let context: NIOSSLContext?
        do {
            context = try configuration.tls.map { try NIOSSLContext(configuration: Self.tlsConfiguration($0)) }
        } catch {
            shutDown(AMQPError(.tls, "A certificate or key file cannot be used.", cause: error))
            return
        }
        let serverName = configuration.tls?.serverName ?? Self.serverName(configuration.host)
        after(configuration.connectTimeout) {
            $0.shutDown(
                AMQPError(
                    .timeout, "No AMQP connection within \($0.configuration.connectTimeout).", cause: $0.transportError)
            )
        }
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

    private static func tlsConfiguration(_ settings: AMQPTLS) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let file = settings.caFile { tls.trustRoots = .file(file) }
        if let file = settings.certificateFile {
            tls.certificateChain = try NIOSSLCertificate.fromPEMFile(file).map { .certificate($0) }
        }
        // As everywhere, one file may hold both.
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

    /// The name to ask for in TLS; for an IP address there is none, and the certificate is checked for the address.
    private static func serverName(_ host: String) -> String? {
        (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
    }

    private func connected(_ result: Result<any Channel, any Error>) {
        switch result {
        case .success(let channel):
            guard case .handshaking = phase else {
                channel.close(promise: nil)
                return
            }
            transport = channel
            output.writeBytes(Handshake.protocolHeader)
            flush()
        case .failure(let error):
            if case .connectTimeout = error as? ChannelError {
                shutDown(AMQPError(.timeout, "No connection within \(configuration.connectTimeout).", cause: error))
            } else {
                shutDown(AMQPError(.connectFailed, "The broker cannot be reached.", cause: error))
            }
        }
    }

    // MARK: Events of the socket

    func transportFailed(_ error: any Error, _ channel: any Channel) {
        guard channel === transport else { return }
        transportError = transportError ?? error
        if case NIOSSLError.uncleanShutdown = error { return }  // the end of stream follows
        guard case .handshaking = phase else {
            shutDown(AMQPError(.connectionLost, "The connection to the broker broke.", cause: error))
            return
        }
        if error is NIOSSLError || error is NIOSSLExtraError || error is BoringSSLError {
            shutDown(
                AMQPError(
                    .tls, "The TLS handshake failed; check the CA file, the host name and the client certificate.",
                    cause: error))
        } else {
            shutDown(AMQPError(.connectFailed, "The connection broke during the handshake.", cause: error))
        }
    }

    func transportClosed(_ channel: any Channel) {
        guard channel === transport else { return }
        switch phase {
        case .handshaking(let handshake):
            let hint = handshake.awaitsAuthentication ? ", which may mean that it refused the credentials" : ""
            shutDown(
                AMQPError(
                    .connectFailed, "The broker closed the connection during the handshake\(hint).",
                    cause: transportError))
        case .open:
            shutDown(AMQPError(.connectionLost, "The broker closed the socket.", cause: transportError))
        case .closing: shutDown(.connectionClosed)
        case .closed: break
        }
    }

    // MARK: Reading

    func received(_ buffer: ByteBuffer, on channel: any Channel) {
        guard channel === transport else { return }
        heartbeat?.heard(.now())
        var bytes = input
        input = ByteBuffer()
        if bytes.readableBytes == 0 { bytes = buffer } else { bytes.writeImmutableBuffer(buffer) }
        let (consumed, failure) = bytes.withUnsafeReadableBytes { handleFrames($0) }
        if let failure {
            breakOff(failure)
            return
        }
        guard isReceiving, consumed < bytes.readableBytes else { return }
        bytes.moveReaderIndex(forwardBy: consumed)
        if bytes.readerIndex > 1 << 16 { bytes.discardReadBytes() }
        input = bytes
    }

    private func handleFrames(_ bytes: UnsafeRawBufferPointer) -> (consumed: Int, failure: AMQPError?) {
        var offset = 0
        do {
            while isReceiving {
                let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
                guard let frame = try splitter.firstFrame(in: rest) else { break }
                offset += frame.size
                try handle(frame)
            }
            return (offset, nil)
        } catch {
            return (offset, error)
        }
    }

    private var isReceiving: Bool {
        if case .closed = phase { false } else { true }
    }

    /// Ends the read: consumers get their deliveries, and what was queued meanwhile is written.
    func readEnded() {
        deliver()
        flush()
    }

    // MARK: Writing

    /// Appends a method to what the next flush writes.
    func send(_ method: ClientMethod, channel: UInt16 = 0) throws(AMQPError) {
        try writer.write(method, channel: channel, to: &output)
        scheduleFlush()
    }

    /// Flushes once per turn of the event loop, however many calls ask for it.
    func scheduleFlush() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        eventLoop.execute { self.assumeIsolated { $0.flush() } }
    }

    func flush() {
        isFlushScheduled = false
        guard output.readableBytes > 0, let transport else { return }
        let bytes = output
        output = transport.allocator.buffer(capacity: min(bytes.readableBytes, 1 << 16))
        heartbeat?.wrote(.now())
        guard !unflushed.isEmpty else {
            transport.writeAndFlush(bytes, promise: nil)
            return
        }
        writing.append(unflushed)
        unflushed = []
        transport.writeAndFlush(bytes).whenSuccess {
            self.assumeIsolated { connection in
                connection.writing.popFirst()?.forEach { $0.finish() }
            }
        }
    }

    // MARK: Ending

    /// Ends the connection because the peer broke the protocol, and tells it so.
    func breakOff(_ error: AMQPError) {
        logger.debug("AMQP connection broken off", metadata: [LogKey.error: "\(error)"])
        try? send(.connectionClose(code: 501, text: "protocol broken"))
        flush()
        shutDown(error)
    }

    /// Begins an orderly end: settlements are sent, waiting callers answered, and the broker asked to close.
    func beginClose() {
        for case let state? in channels { drainSettlements(state) }
        deliver()
        failEveryone(.connectionClosed)
        phase = .closing
        try? send(.connectionClose(code: 200, text: "closed"))
        flush()
        after(.seconds(5)) { $0.shutDown(.connectionClosed) }
    }

    /// The one way into the phase `closed`: whatever waits is told, once.
    func shutDown(_ error: AMQPError) {
        if case .closed = phase { return }
        deliver()
        phase = .closed(error)
        phaseTimer?.cancel()
        heartbeatTimer?.cancel()
        input = ByteBuffer()
        output = ByteBuffer()
        failEveryone(error)
        waiterTimer?.cancel()
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

    private func failEveryone(_ error: AMQPError) {
        for case let state? in channels { end(state, error) }
        for batch in unflushed + writing.flatMap({ $0 }) { batch.waiter.fail(error) }
        unflushed = []
        writing = []
        publishers = Publishers()
        for waiter in waiters.removeAll() { waiter.fail(error) }
    }

    /// Sets the timer of the current phase.
    private func after(_ delay: Duration, _ action: @escaping @Sendable (isolated AMQPConnection) -> Void) {
        phaseTimer?.cancel()
        phaseTimer = eventLoop.scheduleTask(in: TimeAmount(delay)) { self.assumeIsolated { action($0) } }
    }
}

#endif
