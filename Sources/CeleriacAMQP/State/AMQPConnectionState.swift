#if AMQP

internal import CeleriacWire
internal import DequeModule
internal import NIOCore

/// Everything that an AMQP connection knows and decides. It does no I/O and reads no clock.
///
/// Each input (bytes, a call, a timer, the end of the socket) is a method that returns what its driver,
/// ``AMQPConnection``, has to do. Frames to be sent collect in `output` until a flush, so that what one turn of the event
/// loop sends leaves in one write. Not copyable, because channels and batches are shared objects inside it.
struct AMQPConnectionState: ~Copyable {
    enum Phase {
        case handshaking(Handshake)
        case open
        /// `connection.close` was sent.
        case closing
        case closed(AMQPError)
    }

    let configuration: AMQPConfiguration
    var phase: Phase
    /// The time of the input that is being handled.
    var now: NIODeadline
    /// What the input that is being handled leads to.
    var actions: [ConnectionAction] = []

    var splitter: FrameSplitter
    let reader: MethodReader
    var writer: FrameWriter
    /// The received part of an incomplete frame.
    private var input = ByteBuffer()
    /// Frames that the next flush writes.
    var output = ByteBuffer()
    private var isFlushDue = false
    /// Publishes without confirms in `output`, then those of each write that the operating system has not taken yet.
    var unflushed: [PublishBatch] = []
    private var writing = Deque<[PublishBatch]>()

    /// Index: channel number. Channel 0 is the connection itself.
    var channels: [ChannelState?] = [nil]
    var channelMax: UInt16 = 0
    var lastChannelSerial: UInt64 = 0
    /// Consumers with deliveries of the current read.
    var ready: [Consumer] = []
    var shared = SharedChannels()

    var waiters = WaiterQueue()
    var lastWaiterID: WaiterID = 0
    var isReplyTimerSet = false
    var heartbeat: HeartbeatClock?
    /// The socket's first error, which says more than the end of stream that follows it.
    var transportError: (any Error)?

    /// What the broker said about itself.
    var server = AMQPServerInfo(properties: [:])
    /// The broker's reason while it blocks publishes.
    var blockedReason: String?

    init(_ configuration: AMQPConfiguration, now: NIODeadline) {
        self.configuration = configuration
        self.now = now
        let pool = CodecPool()
        let frameMax = configuration.frameMax == 0 ? 131_072 : Int(configuration.frameMax)
        phase = .handshaking(Handshake(configuration))
        splitter = FrameSplitter(maximumFrameSize: frameMax)
        reader = MethodReader(pool: pool)
        writer = FrameWriter(pool: pool, frameMax: frameMax)
    }

    /// Whether the connection can be used.
    var isOpen: Bool { if case .open = phase { true } else { false } }
    var isHandshaking: Bool { if case .handshaking = phase { true } else { false } }
    var isReceiving: Bool { if case .closed = phase { false } else { true } }

    /// Hands out what the input has led to.
    mutating func takeActions() -> [ConnectionAction] {
        let taken = actions
        actions = []
        return taken
    }

    // MARK: The socket

    /// The driver begins to connect.
    mutating func start(now: NIODeadline) -> [ConnectionAction] {
        actions.append(.schedule(.connect, at: now + TimeAmount(configuration.connectTimeout)))
        return takeActions()
    }

    /// The socket is connected, and encrypted if it is to be.
    mutating func connected(now: NIODeadline) -> [ConnectionAction] {
        self.now = now
        output.writeBytes(Handshake.protocolHeader)
        writeOut()
        return takeActions()
    }

    /// There will be no socket.
    mutating func connectFailed(_ error: AMQPError) -> [ConnectionAction] {
        end(error)
        return takeActions()
    }

    /// The socket reported an error.
    mutating func transportFailed(
        _ error: any Error, isTLS: Bool, isUncleanShutdown: Bool
    ) -> [ConnectionAction] {
        transportError = transportError ?? error
        // The end of stream follows, and says what it means.
        if isUncleanShutdown { return [] }
        if !isHandshaking {
            end(AMQPError(.connectionLost, "The connection to the broker broke.", cause: error))
        } else if isTLS {
            end(
                AMQPError(
                    .tls, "The TLS handshake failed; check the CA file, the host name and the client certificate.",
                    cause: error))
        } else {
            end(AMQPError(.connectFailed, "The connection broke during the handshake.", cause: error))
        }
        return takeActions()
    }

    /// The socket is closed.
    mutating func transportClosed() -> [ConnectionAction] {
        switch phase {
        case .handshaking(let handshake):
            let hint = handshake.awaitsAuthentication ? ", which may mean that it refused the credentials" : ""
            end(
                AMQPError(
                    .connectFailed, "The broker closed the connection during the handshake\(hint).",
                    cause: transportError))
        case .open: end(AMQPError(.connectionLost, "The broker closed the socket.", cause: transportError))
        case .closing: end(.connectionClosed)
        case .closed: break
        }
        return takeActions()
    }

    // MARK: Reading

    /// Bytes came.
    mutating func received(_ buffer: ByteBuffer, now: NIODeadline) -> [ConnectionAction] {
        self.now = now
        heartbeat?.heard(now)
        var bytes = input
        input = ByteBuffer()
        if bytes.readableBytes == 0 { bytes = buffer } else { bytes.writeImmutableBuffer(buffer) }
        let (consumed, failure) = bytes.withUnsafeReadableBytes { handleFrames($0) }
        if let failure {
            breakOff(failure)
        } else if isReceiving, consumed < bytes.readableBytes {
            bytes.moveReaderIndex(forwardBy: consumed)
            if bytes.readerIndex > 1 << 16 { bytes.discardReadBytes() }
            input = bytes
        }
        return takeActions()
    }

    private mutating func handleFrames(_ bytes: UnsafeRawBufferPointer) -> (consumed: Int, failure: AMQPError?) {
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

    /// The socket has no more for now: consumers get their deliveries, and what was queued meanwhile is written.
    mutating func readEnded(now: NIODeadline) -> [ConnectionAction] {
        self.now = now
        deliverReady()
        writeOut()
        return takeActions()
    }

    // MARK: Writing

    /// Appends a method to what the next flush writes.
    mutating func send(_ method: ClientMethod, channel: UInt16 = 0) throws(AMQPError) {
        try writer.write(method, channel: channel, to: &output)
        scheduleFlush()
    }

    /// Asks for one flush a turn of the event loop, however much is sent in it.
    mutating func scheduleFlush() {
        guard !isFlushDue else { return }
        isFlushDue = true
        actions.append(.flushLater)
    }

    /// The turn of the event loop ends.
    mutating func flush(now: NIODeadline) -> [ConnectionAction] {
        self.now = now
        isFlushDue = false
        writeOut()
        return takeActions()
    }

    mutating func writeOut() {
        guard output.readableBytes > 0 else { return }
        let bytes = output
        output = ByteBufferAllocator().buffer(capacity: min(bytes.readableBytes, 1 << 16))
        heartbeat?.wrote(now)
        let reportsWritten = !unflushed.isEmpty
        if reportsWritten {
            writing.append(unflushed)
            unflushed = []
        }
        actions.append(.write(bytes, reportsWritten: reportsWritten))
    }

    /// The operating system has taken the oldest write that was to be reported.
    mutating func written() -> [ConnectionAction] {
        for batch in writing.popFirst() ?? [] { finish(batch) }
        return takeActions()
    }

    // MARK: Ending

    /// Closes the connection in order: waiting callers are answered, and the broker is asked to agree. The driver has
    /// handed over all settlements before.
    mutating func close(now: NIODeadline) -> [ConnectionAction] {
        self.now = now
        switch phase {
        case .handshaking: end(.connectionClosed)
        case .open:
            deliverReady()
            failEveryone(.connectionClosed)
            phase = .closing
            try? send(.connectionClose(code: 200, text: "closed"))
            writeOut()
            actions.append(.schedule(.close, at: now + .seconds(5)))
        case .closing, .closed: break
        }
        return takeActions()
    }

    /// The task that connects was cancelled.
    mutating func cancelHandshake() -> [ConnectionAction] {
        if isHandshaking { end(.cancelled) }
        return takeActions()
    }

    /// Ends the connection because the peer broke the protocol, and tells it so.
    mutating func breakOff(_ error: AMQPError) {
        actions.append(.log(.brokenOff(error)))
        try? send(.connectionClose(code: 501, text: "protocol broken"))
        writeOut()
        end(error)
    }

    /// Ends the connection because the broker closed it, and confirms that.
    mutating func endByServer(_ error: AMQPError) {
        try? send(.connectionCloseOk)
        writeOut()
        end(error)
    }

    /// The one way into the phase `closed`: whoever waits is told, once.
    mutating func end(_ error: AMQPError) {
        if case .closed = phase { return }
        deliverReady()
        phase = .closed(error)
        input = ByteBuffer()
        output = ByteBuffer()
        failEveryone(error)
        actions.append(.ended(error))
    }

    private mutating func failEveryone(_ error: AMQPError) {
        for case let channel? in channels { endChannel(channel, error) }
        for batch in unflushed + writing.flatMap({ $0 }) { fail(batch.waiter, error) }
        unflushed = []
        writing = []
        for waiter in waiters.removeAll() { complete(waiter, .failure(error)) }
        shared = SharedChannels()
    }
}

#endif
