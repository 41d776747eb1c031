#if AMQP

internal import CeleriacCore
package import CeleriacWire
package import Logging
package import NIOCore

/// A connection to an AMQP broker.
///
/// It is an actor on its socket's event loop, so that its state needs no lock and a batch of messages costs one hop. It
/// ends once: through ``close()``, the broker, or a network failure. All waiting calls then get an answer or an error,
/// and the connection cannot be used again. ``AMQPClient`` makes new ones.
package actor AMQPConnection {
    /// The event loop that the socket runs on, and the actor's executor.
    package nonisolated let eventLoop: any EventLoop

    /// The event loop as the actor's executor.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }

    nonisolated let configuration: AMQPConfiguration
    /// Why there is no password to log in with, if that is so.
    nonisolated let missingPassword: CeleriacError?
    nonisolated let logger: Logger

    /// The state, which makes all decisions; the rest of the actor carries them out.
    var state: AMQPConnectionState
    var transport: (any Channel)?
    var timers: [ConnectionAction.Timer: Scheduled<Void>] = [:]
    /// Whether actions are being carried out; further actions wait meanwhile.
    var isObeying = false
    var waitingActions: [ConnectionAction] = []
    var callers: [WaiterID: Caller] = [:]
    var consumers: [WaiterID: @Sendable ([AMQPConsumerEvent]) -> Void] = [:]
    /// The handles of the open channels, by number.
    var channels: [UInt16: AMQPChannel] = [:]
    /// Called once with the outcome of the handshake.
    var opened: (@Sendable (AMQPError?) -> Void)?
    var closeHandlers: [@Sendable (AMQPError) -> Void] = []
    var closeWaiters: [CheckedContinuation<Void, Never>] = []

    /// The broker's description of itself.
    package var server: AMQPServerInfo { state.server }
    /// The broker's reason while it blocks publishes (it is short of memory or disk); otherwise `nil`.
    package var blockedReason: String? { state.blockedReason }

    init(_ configuration: AMQPConfiguration, on eventLoop: any EventLoop, logger: Logger) {
        var current = configuration
        var missing: CeleriacError?
        do throws(CeleriacError) {
            current = try configuration.withCurrentPassword()
        } catch {
            missing = error
        }
        self.configuration = current
        missingPassword = missing
        self.eventLoop = eventLoop
        var logger = logger
        logger[metadataKey: LogKey.broker] = "\(configuration)"
        self.logger = logger
        state = AMQPConnectionState(current, now: .now())
    }

    /// Connects, encrypts the connection if configured, and logs in.
    ///
    /// - Parameters:
    ///   - configuration: The broker and the credentials.
    ///   - eventLoop: The event loop to run on, from a `MultiThreadedEventLoopGroup`.
    ///   - logger: The logger for the connection's debug messages.
    /// - Returns: The open connection.
    /// - Throws: `AMQPError`: `connectFailed`, `tls`, `authenticationFailed`, `connectionClosedByServer` (for example
    ///   530 for an unknown virtual host), `timeout`, `protocolViolation`.
    package static func connect(
        _ configuration: AMQPConfiguration, on eventLoop: any EventLoop, logger: Logger
    ) async throws(AMQPError) -> AMQPConnection {
        let connection = AMQPConnection(configuration, on: eventLoop, logger: logger)
        if let error = await connection.establish() { throw error.whileConnecting(to: "\(configuration)") }
        return connection
    }

    /// Whether the connection can be used.
    package var isOpen: Bool { state.isOpen }

    /// Opens a channel, whose publishes the broker confirms if `confirms` is true. Throws ``AMQPError``: that of the
    /// closed connection, `channelLimit`, `timeout`, `cancelled`.
    package func openChannel(confirms: Bool = true) async throws(AMQPError) -> AMQPChannel {
        try await channel { state, waiter in state.openChannel(confirms: confirms, for: waiter, now: .now()) }
    }

    /// Calls `handler` once on the event loop when the connection has ended, or immediately if it already has.
    ///
    /// The error's code is `connectionClosed` if this process closed the connection.
    package func onClose(_ handler: @escaping @Sendable (AMQPError) -> Void) {
        if case .closed(let error) = state.phase {
            handler(error)
        } else {
            closeHandlers.append(handler)
        }
    }

    /// Closes the connection gracefully and waits until it is closed, for at most five seconds.
    ///
    /// Earlier settlements are sent. All waiting calls fail with `connectionClosed`.
    package func close() async {
        abandon()
        await withCheckedContinuation { continuation in
            // It may have ended before this runs: a silent broker is not waited for at all.
            if case .closed = state.phase { return continuation.resume() }
            closeWaiters.append(continuation)
        }
    }

    /// Starts closing the connection without waiting.
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
    static let connectionClosed = AMQPError(.connectionClosed, "This process closed the connection.")
    static let channelClosed = AMQPError(.channelClosed, "This process closed the channel.")
    static let cancelled = AMQPError(.cancelled, "The waiting task was cancelled.")
}

/// A broker's description of itself in `connection.start`.
package struct AMQPServerInfo: Sendable, Hashable {
    /// All properties, for example `product`, `version`, `platform`, `cluster_name`, `capabilities`.
    package let properties: WireObject

    /// The product, for example `RabbitMQ`; empty if the broker does not report it.
    package var product: String { text("product") }
    /// The product's version, for example `3.10.8`; empty if the broker does not report it.
    package var version: String { text("version") }

    /// The numbers at the start of `version`, for example `[3, 10, 8]`.
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
