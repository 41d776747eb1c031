#if Redis
package import Logging
package import NIOCore

/// One connection to a Redis server. It sends calls as pipelines: each batch crosses to the event loop once and is
/// written at once, and the batches of several callers follow each other in first-in, first-out order.
///
/// All its state is confined to its event loop. Cancelling a task does not end its call, since the reply may carry
/// something that must not be lost. A call ends with its reply, its timeout or the connection.
package final class RedisConnection: Sendable {
    /// The event loop that the connection runs on.
    package let eventLoop: any EventLoop
    /// The server's id for this connection, as `CLIENT LIST` shows it; `nil` if the server does not report it.
    package let clientID: Int64?
    /// Whether the server is a node of a cluster.
    let isCluster: Bool
    /// Where the server listens.
    let address: RedisAddress

    private let channel: any Channel
    private let queue: NIOLoopBound<RedisRequestQueue>
    private let commandTimeout: Duration

    init(
        channel: any Channel, queue: RedisRequestQueue, identity: RedisLogin.Identity,
        configuration: RedisConfiguration
    ) {
        self.channel = channel
        eventLoop = channel.eventLoop
        self.queue = NIOLoopBound(queue, eventLoop: channel.eventLoop)
        clientID = identity.clientID
        isCluster = identity.isCluster
        address = configuration.address
        commandTimeout = configuration.commandTimeout
    }

    deinit {
        channel.close(mode: .all, promise: nil)
    }

    /// Connects to a server: TCP or Unix socket, TLS, `AUTH`, `HELLO`, `SELECT`, `CLIENT SETNAME`.
    ///
    /// - Parameters:
    ///   - configuration: The server. Its `connectTimeout` limits all steps together.
    ///   - eventLoop: The event loop that the connection runs on.
    ///   - logger: The logger for connections and losses.
    /// - Returns: The connection, logged in.
    /// - Throws: `connectFailed`, `timeout`, `tls`, `authenticationFailed`, `unsuitableServer`, `server`,
    ///   `protocolViolation`.
    package nonisolated(nonsending) static func connect(
        _ configuration: RedisConfiguration, on eventLoop: any EventLoop, logger: Logger
    ) async throws(RedisError) -> RedisConnection {
        do {
            return try await RedisConnector.connect(configuration, on: eventLoop, logger: logger).get()
        } catch {
            throw RedisError(transport: error, code: .connectFailed, "The connection could not be made.")
        }
    }

    /// Sends a pipeline and waits for its replies, for at most the configuration's `commandTimeout`.
    ///
    /// - Returns: One reply for each command, in order. It is a ``RedisValue/error(_:)`` if the server refused the
    ///   command.
    /// - Throws: `timeout`, `connectionLost`, `closed`, `protocolViolation`, `tooLarge`.
    package nonisolated(nonsending) func send(_ commands: [RedisCommand]) async throws(RedisError) -> [RedisValue] {
        try await send(commands, timeout: commandTimeout)
    }

    /// Sends a pipeline and waits for its replies.
    ///
    /// - Parameters:
    ///   - commands: The commands, in order.
    ///   - timeout: How long the replies may take in all; `nil` for no limit, which suits blocking commands on their
    ///     own connection. A timeout closes the connection.
    /// - Returns: One reply for each command, in order. It is a ``RedisValue/error(_:)`` if the server refused the
    ///   command.
    /// - Throws: `timeout`, `connectionLost`, `closed`, `protocolViolation`, `tooLarge`.
    package nonisolated(nonsending) func send(
        _ commands: [RedisCommand], timeout: Duration?
    ) async throws(RedisError) -> [RedisValue] {
        try await withCheckedContinuation { continuation in
            submit(commands, timeout: timeout, waiter: .continuation(continuation))
        }.get()
    }

    /// Sends one command and waits for its reply, for at most the configuration's `commandTimeout`.
    ///
    /// - Throws: As ``send(_:timeout:)``, and `server` if the server refuses the command.
    @discardableResult
    package nonisolated(nonsending) func send(_ command: RedisCommand) async throws(RedisError) -> RedisValue {
        try await send([command]).singleReply()
    }

    /// Calls a closure on the event loop, once, when the connection has ended. The closure receives the reason, which
    /// is `closed` after ``close()``. If the connection has already ended, the closure is called immediately.
    package func onClose(_ body: @escaping @Sendable (RedisError) -> Void) {
        onEventLoop { $0.onClose(body) }
    }

    /// Closes the connection and waits until it is closed. All waiting calls fail with `closed`.
    package nonisolated(nonsending) func close() async {
        try? await beginClose().get()
    }

    /// Starts to close the connection. The future completes when it is closed.
    func beginClose() -> EventLoopFuture<Void> {
        onEventLoop { $0.close(RedisError(.closed, "The connection's owner closed it.")) }
        return channel.closeFuture
    }

    /// Sends a pipeline without waiting.
    ///
    /// - Returns: A future with what ``send(_:timeout:)`` returns or throws.
    package func submit(_ commands: [RedisCommand], timeout: Duration?) -> EventLoopFuture<[RedisValue]> {
        let promise = eventLoop.makePromise(of: [RedisValue].self)
        submit(commands, timeout: timeout, waiter: .promise(promise))
        return promise.futureResult
    }

    func submit(_ commands: [RedisCommand], timeout: Duration?, waiter: RedisWaiter) {
        onEventLoop { $0.send(commands, timeout: timeout, waiter: waiter) }
    }

    /// Whether no call waits for an answer. Call it on the event loop.
    var isIdle: Bool { queue.value.isIdle }

    /// Hands the connection's replies to another receiver. Call it on the event loop.
    func handOver(to receiver: any RedisReplyReceiver) -> RedisChannelHandler {
        queue.value.handOver(to: receiver)
    }

    private func onEventLoop(_ body: @escaping @Sendable (RedisRequestQueue) -> Void) {
        if eventLoop.inEventLoop {
            body(queue.value)
        } else {
            eventLoop.execute { [queue] in body(queue.value) }
        }
    }
}

extension [RedisValue] {
    /// The reply of a batch of one command.
    func singleReply() throws(RedisError) -> RedisValue {
        guard let reply = first else {
            throw RedisError(.protocolViolation, "A command has no reply.")
        }
        if let error = reply.error { throw RedisError(error) }
        return reply
    }
}
#endif
