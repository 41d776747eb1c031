#if Redis
internal import CeleriacCore
internal import Logging
internal import NIOCore

/// Keeps one connection for as long as its delegate needs one, with growing pauses between attempts. Its state is
/// confined to an event loop.
final class RedisReconnector {
    private enum State {
        /// Nobody needs a connection.
        case idle
        case connecting
        case pausing(Scheduled<Void>)
        case connected(since: NIODeadline)
        case closed
    }

    private let configuration: RedisConfiguration
    private let eventLoop: any EventLoop
    private let logger: Logger
    private var state = State.idle
    private var backoff: Backoff
    private var hasConnected = false
    private var notBefore = NIODeadline.uptimeNanoseconds(0)
    weak var delegate: (any RedisReconnectorDelegate)?

    init(_ configuration: RedisConfiguration, eventLoop: any EventLoop, logger: Logger) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.logger = logger
        backoff = Backoff(
            first: configuration.reconnectPause.lowerBound, maximum: configuration.reconnectPause.upperBound)
    }

    /// Reports that a connection is needed now.
    func demand() {
        guard case .idle = state else { return }
        guard eventLoop.now < notBefore else {
            connect()
            return
        }
        let pause = eventLoop.assumeIsolated().scheduleTask(deadline: notBefore) { [weak self] () -> Void in
            self?.pauseEnded()
        }
        state = .pausing(pause)
    }

    /// Reports that the connection was lost.
    func lost(_ error: RedisError) {
        guard case .connected(let since) = state else { return }
        // Only a connection that lasted proves that the server is healthy. A server that drops each connection
        // immediately must not make us hammer it.
        if eventLoop.now - since > TimeAmount(clamping: configuration.reconnectPause.upperBound) {
            backoff.reset()
        }
        logger.info(
            "lost the connection to Redis", metadata: ["server": "\(configuration)", "error": "\(error)"])
        rest()
    }

    /// Reports that the delegate has got a connection that another one made.
    func adopt() {
        switch state {
        case .closed: return
        case .pausing(let pause): pause.cancel()
        case .idle, .connecting, .connected: break
        }
        state = .connected(since: eventLoop.now)
        hasConnected = true
    }

    /// Reports that the delegate has given its connection to another one.
    func handOver() {
        if case .connected = state { state = .idle }
    }

    /// Stops for good.
    func close() {
        if case .pausing(let pause) = state { pause.cancel() }
        state = .closed
    }

    private func connect() {
        state = .connecting
        RedisConnector.connect(configuration, on: eventLoop, logger: logger)
            .assumeIsolated()
            .whenComplete { result in self.ended(result) }
    }

    private func ended(_ result: Result<RedisConnection, any Error>) {
        // After `close`, nobody takes the connection; it closes when it is released.
        guard case .connecting = state else { return }
        switch result {
        case .success(let connection):
            state = .connected(since: eventLoop.now)
            hasConnected = true
            delegate?.connected(connection)
        case .failure(let error):
            var error = RedisError(transport: error, code: .connectFailed, "The connection could not be made.")
            if hasConnected, error.code == .authenticationFailed {
                // Passwords are changed at the server and here one after the other: the login may be right again soon.
                error = RedisError(.connectFailed, "The server refuses a login that it accepted before.", cause: error)
            } else if hasConnected, error.code == .unknownPrimary {
                // New sentinels are told of the primary only after they have begun.
                error = RedisError(.connectFailed, "The sentinels no longer know the primary.", cause: error)
            }
            state = .idle
            notBefore = eventLoop.now + TimeAmount(clamping: backoff.next())
            delegate?.connectFailed(error)
            if delegate?.needsConnection == true { demand() }
        }
    }

    private func rest() {
        state = .idle
        notBefore = eventLoop.now + TimeAmount(clamping: backoff.next())
        if delegate?.needsConnection == true { demand() }
    }

    private func pauseEnded() {
        guard case .pausing = state else { return }
        state = .idle
        if delegate?.needsConnection == true { connect() }
    }
}

/// The owner of a reconnector. Called on the event loop.
protocol RedisReconnectorDelegate: AnyObject {
    /// Whether there is any use for a connection.
    var needsConnection: Bool { get }

    /// Reports a new connection.
    func connected(_ connection: RedisConnection)

    /// Reports a failed attempt to connect. Another one follows if a connection is needed.
    func connectFailed(_ error: RedisError)
}
#endif
