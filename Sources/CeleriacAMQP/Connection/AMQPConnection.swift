#if AMQP

internal import DequeModule
import CeleriacWire
public import Logging
public import NIOCore

/// A connection to an AMQP broker.
///
/// It is an actor on the event loop that its socket lives on, so that its state needs no lock and a batch of messages
/// costs one hop. It ends once: by ``close()``, by the broker, or by a failure of the network; then everyone who waits
/// on it gets an answer or an error, and it cannot be used again. ``AMQPClient`` makes new ones.
public actor AMQPConnection {
    /// Where the connection stands.
    enum Phase {
        case handshaking(Handshake)
        case open
        /// `connection.close` was sent.
        case closing
        case closed(AMQPError)
    }

    /// The event loop that the socket lives on, and the actor's executor.
    public nonisolated let eventLoop: any EventLoop

    /// The event loop.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }

    nonisolated let configuration: AMQPConfiguration
    nonisolated let logger: Logger

    var phase: Phase
    /// Told once how the handshake ended.
    var opened: (@Sendable (AMQPError?) -> Void)?
    var transport: (any Channel)?
    /// The first error of the transport; it says more than the end of stream that follows it.
    var transportError: (any Error)?

    var splitter: FrameSplitter
    let reader: MethodReader
    var writer: FrameWriter
    /// Received bytes of an incomplete frame.
    var input = ByteBuffer()
    /// Frames that the next flush writes.
    var output: ByteBuffer
    var isFlushScheduled = false
    /// Publishes without confirms in `output`, then those of each flush that is being written.
    var unflushed: [PublishBatch] = []
    var writing = Deque<[PublishBatch]>()

    /// Index: channel number. Channel 0 is the connection itself.
    var channels: [ChannelState?] = [nil]
    var channelMax: UInt16 = 0
    /// Consumers with deliveries of the current read.
    var ready: [Consumer] = []
    /// The shared channel of ``publish(_:)``.
    var publishers = Publishers()

    var waiters = WaiterQueue()
    var lastWaiterID: UInt64 = 0
    var waiterTimer: Scheduled<Void>?
    var heartbeat: HeartbeatClock?
    var heartbeatTimer: Scheduled<Void>?
    var phaseTimer: Scheduled<Void>?
    var closeHandlers: [@Sendable (AMQPError) -> Void] = []
    var closeWaiters: [CheckedContinuation<Void, Never>] = []

    /// What the broker said about itself.
    public internal(set) var server = AMQPServerInfo(properties: WireObject())
    /// The broker's reason while it blocks publishes (it is short of memory or disk); `nil` while it does not.
    public internal(set) var blockedReason: String?

    init(_ configuration: AMQPConfiguration, on eventLoop: any EventLoop, logger: Logger) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        var logger = logger
        logger[metadataKey: LogKey.broker] = "\(configuration)"
        self.logger = logger
        let pool = CodecPool()
        let frameMax = configuration.frameMax == 0 ? 131_072 : Int(configuration.frameMax)
        phase = .handshaking(Handshake(configuration))
        splitter = FrameSplitter(maximumFrameSize: frameMax)
        reader = MethodReader(pool: pool)
        writer = FrameWriter(pool: pool, frameMax: frameMax)
        output = ByteBuffer()
    }

    /// Connects, encrypts if configured, and logs in.
    ///
    /// - Parameters:
    ///   - configuration: Where to, and as whom.
    ///   - eventLoop: The event loop to live on, of a `MultiThreadedEventLoopGroup`.
    ///   - logger: Gets the connection's debug messages.
    /// - Throws: `AMQPError`: `connectFailed`, `tls`, `authenticationFailed`, `connectionClosedByServer` (for instance
    ///   530, an unknown virtual host), `timeout`, `protocolViolation`.
    public static func connect(
        _ configuration: AMQPConfiguration, on eventLoop: any EventLoop, logger: Logger
    ) async throws(AMQPError) -> AMQPConnection {
        let connection = AMQPConnection(configuration, on: eventLoop, logger: logger)
        if let error = await connection.establish() { throw error }
        return connection
    }

    /// Whether the connection can be used.
    public var isOpen: Bool {
        if case .open = phase { true } else { false }
    }

    /// Opens a channel.
    ///
    /// - Parameter confirms: Whether publishes on it are confirmed by the broker.
    /// - Throws: `AMQPError`: that of the closed connection, `channelLimit`, `timeout`, `cancelled`.
    public func openChannel(confirms: Bool = true) async throws(AMQPError) -> AMQPChannel {
        let answer = try await answer("channel.open") { (waiter) throws(AMQPError) in
            try beginChannel(confirms: confirms, waiter: waiter)
        }
        guard case .channel(let channel) = answer else { throw .violation("no answer to channel.open") }
        return channel
    }

    /// Calls `handler` once, on the event loop, when the connection has ended; at once if it has.
    ///
    /// The error's code is `connectionClosed` when this process closed it.
    public func onClose(_ handler: @escaping @Sendable (AMQPError) -> Void) {
        if case .closed(let error) = phase {
            handler(error)
        } else {
            closeHandlers.append(handler)
        }
    }

    /// Closes the connection in order and waits until it is closed, at most five seconds.
    ///
    /// Settlements given before are sent. Whoever still waits for an answer gets the error `connectionClosed`.
    public func close() async {
        switch phase {
        case .closed: return
        case .handshaking:
            shutDown(.connectionClosed)
            return
        case .open: beginClose()
        case .closing: break
        }
        await withCheckedContinuation { closeWaiters.append($0) }
    }

    /// Begins to close the connection, and waits for nothing.
    func abandon() {
        switch phase {
        case .handshaking: shutDown(.connectionClosed)
        case .open: beginClose()
        case .closing, .closed: break
        }
    }

    private func establish() async -> AMQPError? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                start { continuation.resume(returning: $0) }
                if Task.isCancelled { shutDown(.cancelled) }
            }
        } onCancel: {
            eventLoop.execute { self.assumeIsolated { $0.cancelHandshake() } }
        }
    }

    private func cancelHandshake() {
        if case .handshaking = phase { shutDown(.cancelled) }
    }
}

extension AMQPError {
    static let connectionClosed = AMQPError(.connectionClosed, "The connection was closed by this process.")
    static let channelClosed = AMQPError(.channelClosed, "The channel was closed by this process.")
    static let cancelled = AMQPError(.cancelled, "The task that waited was cancelled.")
}

#endif
