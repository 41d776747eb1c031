#if AMQP

internal import CeleriacWire
internal import DequeModule
internal import NIOCore

/// All knowledge and decisions of an AMQP connection. It does no I/O and reads no clock.
///
/// Each input (bytes, a call, a timer, the end of the socket) is a method that returns the actions for its driver,
/// ``AMQPConnection``. Outgoing frames collect in `output` until a flush, so that everything sent in one turn of the
/// event loop leaves in one write. The type is not copyable, because it contains channels and batches that are shared
/// objects.
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
    /// The time of the current input.
    var now: NIODeadline
    /// The actions that result from the current input.
    var actions: [ConnectionAction] = []

    var splitter: FrameSplitter
    let reader: MethodReader
    var writer: FrameWriter
    /// The received part of an incomplete frame.
    private var input = ByteBuffer()
    /// Frames that the next flush writes.
    var output = ByteBuffer()
    private var isFlushDue = false
    /// The publishes without confirms in `output`, then those of each write that the operating system has not accepted
    /// yet.
    var unflushed: [PublishBatch] = []
    private var writing = Deque<[PublishBatch]>()

    /// The channels by number. Channel 0 is the connection itself.
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
    /// When the broker was asked something, if it has sent nothing since.
    var unansweredSince: NIODeadline?
    /// The socket's first error, which says more than the end of stream that follows it.
    var transportError: (any Error)?

    /// The broker's description of itself.
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

    /// Returns the actions that the input has caused, and clears them.
    mutating func takeActions() -> [ConnectionAction] {
        let taken = actions
        actions = []
        return taken
    }

    // MARK: The socket

    /// Starts connecting.
    mutating func start(now: NIODeadline) -> [ConnectionAction] {
        actions.append(.schedule(.connect, at: now + TimeAmount(configuration.connectTimeout)))
        return takeActions()
    }

    /// Records that the socket is connected, and encrypted if configured.
    mutating func connected(now: NIODeadline) -> [ConnectionAction] {
        self.now = now
        output.writeBytes(Handshake.protocolHeader)
        writeOut()
        return takeActions()
    }

    /// Records that there will be no socket.
    mutating func connectFailed(_ error: AMQPError) -> [ConnectionAction] {
        end(error)
        return takeActions()
    }

    /// Records an error of the socket.
    mutating func transportFailed(
        _ error: any Error, isTLS: Bool, isUncleanShutdown: Bool
    ) -> [ConnectionAction] {
        transportError = transportError ?? error
        // The end of stream follows and determines the outcome.
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

    /// Records that the socket is closed.
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

    /// Processes received bytes.
    mutating func received(_ buffer: ByteBuffer, now: NIODeadline) -> [ConnectionAction] {
        self.now = now
        heartbeat?.heard(now)
        unansweredSince = nil
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

    /// Records that the socket has no more bytes for now: consumers get their deliveries, and queued frames are
    /// written.
    mutating func readEnded(now: NIODeadline) -> [ConnectionAction] {
        self.now = now
        deliverReady()
        writeOut()
        return takeActions()
    }

    // MARK: Writing

    /// Appends a method to the next flush.
    mutating func send(_ method: ClientMethod, channel: UInt16 = 0) throws(AMQPError) {
        try writer.write(method, channel: channel, to: &output)
        scheduleFlush()
    }

    /// Requests one flush for each turn of the event loop, however much is sent in it.
    mutating func scheduleFlush() {
        guard !isFlushDue else { return }
        isFlushDue = true
        actions.append(.flushLater)
    }

    /// Writes all frames at the end of a turn of the event loop.
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

    /// Records that the operating system has accepted the oldest write that was to be reported.
    mutating func written() -> [ConnectionAction] {
        for batch in writing.popFirst() ?? [] { finish(batch) }
        return takeActions()
    }

    // MARK: Ending

    /// Closes the connection gracefully: answers waiting callers, and asks the broker to agree. The driver has already
    /// passed on all settlements.
    mutating func close(now: NIODeadline) -> [ConnectionAction] {
        self.now = now
        switch phase {
        case .handshaking: end(.connectionClosed)
        case .open:
            let patience = closePatience(at: now)
            deliverReady()
            failEveryone(.connectionClosed)
            phase = .closing
            try? send(.connectionClose(code: 200, text: "closed"))
            writeOut()
            actions.append(.schedule(.close, at: now + patience))
        case .closing, .closed: break
        }
        return takeActions()
    }

    /// How long the close of the connection or of a channel waits for the broker to agree: five seconds, or not at all if the
    /// broker has been silent for a second although it was asked something. What was written before arrives all the same once
    /// such a broker reads again.
    func closePatience(at now: NIODeadline) -> TimeAmount {
        guard let unansweredSince, unansweredSince + .seconds(1) <= now else { return .seconds(5) }
        return .zero
    }

    /// Notes that the broker owes an answer.
    mutating func noteQuestion() { if unansweredSince == nil { unansweredSince = now } }

    /// Ends the connection because the connecting task was cancelled.
    mutating func cancelHandshake() -> [ConnectionAction] {
        if isHandshaking { end(.cancelled) }
        return takeActions()
    }

    /// Ends the connection because the peer broke the protocol, and tells the peer so.
    mutating func breakOff(_ error: AMQPError) {
        actions.append(.log(.brokenOff(error)))
        try? send(.connectionClose(code: 501, text: "protocol broken"))
        writeOut()
        end(error)
    }

    /// Ends the connection because the broker closed it, and confirms that to the broker.
    mutating func endByServer(_ error: AMQPError) {
        try? send(.connectionCloseOk)
        writeOut()
        end(error)
    }

    /// Enters the phase `closed`, which is possible only here, and informs everyone who waits once.
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
