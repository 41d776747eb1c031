#if AMQP

package import CeleriacWire
package import Logging
package import NIOCore

/// A connection to an AMQP broker.
///
/// It is an actor on the event loop that its socket lives on, so that its state needs no lock and a batch of messages
/// costs one hop. It ends once: by ``close()``, by the broker, or by a failure of the network; then everyone who waits
/// on it gets an answer or an error, and it cannot be used again. ``AMQPClient`` makes new ones.
package actor AMQPConnection {
    /// The event loop that the socket lives on, and the actor's executor.
    package nonisolated let eventLoop: any EventLoop

    /// The event loop.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }

    nonisolated let configuration: AMQPConfiguration
    nonisolated let logger: Logger

    /// Decides everything; the rest of the actor does what it says.
    var state: AMQPConnectionState
    var transport: (any Channel)?
    var timers: [ConnectionAction.Timer: Scheduled<Void>] = [:]
    /// Whether actions are being obeyed, and those that came meanwhile.
    var isObeying = false
    var waitingActions: [ConnectionAction] = []
    var callers: [WaiterID: Caller] = [:]
    var consumers: [WaiterID: @Sendable ([AMQPConsumerEvent]) -> Void] = [:]
    /// The handles of the open channels, by number.
    var channels: [UInt16: AMQPChannel] = [:]
    /// Told once how the handshake ended.
    var opened: (@Sendable (AMQPError?) -> Void)?
    var closeHandlers: [@Sendable (AMQPError) -> Void] = []
    var closeWaiters: [CheckedContinuation<Void, Never>] = []

    /// What the broker said about itself.
    package var server: AMQPServerInfo { state.server }
    /// The broker's reason while it blocks publishes (it is short of memory or disk); `nil` while it does not.
    package var blockedReason: String? { state.blockedReason }

    init(_ configuration: AMQPConfiguration, on eventLoop: any EventLoop, logger: Logger) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        var logger = logger
        logger[metadataKey: LogKey.broker] = "\(configuration)"
        self.logger = logger
        state = AMQPConnectionState(configuration, now: .now())
    }

    /// Connects, encrypts if configured, and logs in.
    ///
    /// - Parameters:
    ///   - configuration: Where to, and as whom.
    ///   - eventLoop: The event loop to live on, of a `MultiThreadedEventLoopGroup`.
    ///   - logger: Gets the connection's debug messages.
    /// - Throws: `AMQPError`: `connectFailed`, `tls`, `authenticationFailed`, `connectionClosedByServer` (for instance
    ///   530, an unknown virtual host), `timeout`, `protocolViolation`.
    package static func connect(
        _ configuration: AMQPConfiguration, on eventLoop: any EventLoop, logger: Logger
    ) async throws(AMQPError) -> AMQPConnection {
        let connection = AMQPConnection(configuration, on: eventLoop, logger: logger)
        if let error = await connection.establish() { throw error }
        return connection
    }

    /// Whether the connection can be used.
    package var isOpen: Bool { state.isOpen }

    /// Opens a channel.
    ///
    /// - Parameter confirms: Whether publishes on it are confirmed by the broker.
    /// - Throws: `AMQPError`: that of the closed connection, `channelLimit`, `timeout`, `cancelled`.
    package func openChannel(confirms: Bool = true) async throws(AMQPError) -> AMQPChannel {
        try await channel { state, waiter in state.openChannel(confirms: confirms, for: waiter, now: .now()) }
    }

    /// Calls `handler` once, on the event loop, when the connection has ended; at once if it has.
    ///
    /// The error's code is `connectionClosed` when this process closed it.
    package func onClose(_ handler: @escaping @Sendable (AMQPError) -> Void) {
        if case .closed(let error) = state.phase {
            handler(error)
        } else {
            closeHandlers.append(handler)
        }
    }

    /// Closes the connection in order and waits until it is closed, at most five seconds.
    ///
    /// Settlements given before are sent. Whoever still waits for an answer gets the error `connectionClosed`.
    package func close() async {
        abandon()
        if case .closed = state.phase { return }
        await withCheckedContinuation { closeWaiters.append($0) }
    }

    /// Begins to close the connection, and waits for nothing.
    func abandon() {
        if state.isOpen {
            for channel in channels.values { drainSettlements(of: channel) }
        }
        obey(state.close(now: .now()))
    }

    private func establish() async -> AMQPError? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                start { continuation.resume(returning: $0) }
                if Task.isCancelled { obey(state.cancelHandshake()) }
            }
        } onCancel: {
            eventLoop.execute { self.assumeIsolated { $0.obey($0.state.cancelHandshake()) } }
        }
    }

}

extension AMQPError {
    static let connectionClosed = AMQPError(.connectionClosed, "The connection was closed by this process.")
    static let channelClosed = AMQPError(.channelClosed, "The channel was closed by this process.")
    static let cancelled = AMQPError(.cancelled, "The task that waited was cancelled.")
}

/// What a broker says about itself in `connection.start`.
package struct AMQPServerInfo: Sendable, Hashable {
    /// All properties, for instance `product`, `version`, `platform`, `cluster_name`, `capabilities`.
    package let properties: WireObject

    /// The product, for instance `RabbitMQ`; empty when the broker does not say.
    package var product: String { text("product") }
    /// The product's version, for instance `3.10.8`; empty when the broker does not say.
    package var version: String { text("version") }

    /// The numbers at the start of `version`, for instance `[3, 10, 8]`.
    package var versionNumbers: [Int] {
        var numbers: [Int] = []
        for part in version.split(separator: ".") {
            let digits = part.prefix(while: \.isNumber)
            guard let number = Int(digits) else { break }
            numbers.append(number)
            if digits.count < part.count { break }
        }
        return numbers
    }

    private func text(_ name: String) -> String {
        if case .string(let text)? = properties[name] { text } else { "" }
    }
}

/// Keys of log metadata.
enum LogKey {
    static let broker = "amqp.broker"
    static let error = "amqp.error"
    static let reason = "amqp.reason"
}

#endif
