#if Redis
package import Logging
package import NIOCore

/// One connection to a Redis server. Calls are sent as pipelines: each batch crosses to the event loop once, is written
/// at once, and batches of several callers follow each other first in, first out.
///
/// All its state lives on its event loop. A call is not ended by cancelling the task that made it, since its reply may
/// carry what must not be lost; it ends with its answer, its timeout or the connection.
package final class RedisConnection: Sendable {
    /// The event loop on which the connection lives.
    package let eventLoop: any EventLoop
    /// The server's number for this connection (`CLIENT ID`), for `CLIENT UNBLOCK` and `CLIENT TRACKING … REDIRECT`;
    /// `nil` where the server does not tell it.
    package let clientID: Int64?

    private let channel: any Channel
    private let queue: NIOLoopBound<RedisRequestQueue>
    private let commandTimeout: Duration

    init(channel: any Channel, queue: RedisRequestQueue, clientID: Int64?, commandTimeout: Duration) {
        self.channel = channel
        eventLoop = channel.eventLoop
        self.queue = NIOLoopBound(queue, eventLoop: channel.eventLoop)
        self.clientID = clientID
        self.commandTimeout = commandTimeout
    }

    deinit {
        channel.close(mode: .all, promise: nil)
    }

    /// Connects to a server: TCP or unix socket, TLS, `AUTH`, `SELECT`, `CLIENT SETNAME`.
    ///
    /// - Parameters:
    ///   - configuration: The server; its `connectTimeout` limits all steps together.
    ///   - eventLoop: The event loop on which the connection is to live.
    ///   - logger: Where connections and losses are told.
    /// - Throws: `connectFailed`, `timeout`, `tls`, `authenticationFailed`, `server`, `protocolViolation`.
    package nonisolated(nonsending) static func connect(
        _ configuration: RedisConfiguration, on eventLoop: any EventLoop, logger: Logger
    ) async throws(RedisError) -> RedisConnection {
        do {
            return try await RedisConnector.connect(configuration, on: eventLoop, logger: logger).get()
        } catch {
            throw RedisError(transport: error, code: .connectFailed, "No connection could be made.")
        }
    }

    /// Sends a pipeline and waits for its replies, for at most the configuration's `commandTimeout`.
    ///
    /// - Returns: One reply per command, in order. A command that the server refused has a ``RedisValue/error(_:)``.
    /// - Throws: `timeout`, `connectionLost`, `closed`, `protocolViolation`, `tooLarge`.
    package nonisolated(nonsending) func send(_ commands: [RedisCommand]) async throws(RedisError) -> [RedisValue] {
        try await send(commands, timeout: commandTimeout)
    }

    /// Sends a pipeline and waits for its replies.
    ///
    /// - Parameters:
    ///   - commands: The commands, in order.
    ///   - timeout: How long the replies may take in all; `nil` for no limit, which is meant for blocking commands on a
    ///     connection of their own. After a timeout the connection is closed.
    /// - Returns: One reply per command, in order. A command that the server refused has a ``RedisValue/error(_:)``.
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
    /// - Throws: As ``send(_:timeout:)``, and `server` where the server refused the command.
    @discardableResult
    package nonisolated(nonsending) func send(_ command: RedisCommand) async throws(RedisError) -> RedisValue {
        try await send([command]).singleReply()
    }

    /// Calls a closure on the event loop, once, when the connection has ended, with the reason: `closed` after
    /// ``close()``. It is called at once where the connection has ended already.
    package func onClose(_ body: @escaping @Sendable (RedisError) -> Void) {
        onEventLoop { $0.onClose(body) }
    }

    /// Closes the connection and waits until it is closed. Everybody who waits for a reply gets the error `closed`.
    package nonisolated(nonsending) func close() async {
        try? await beginClose().get()
    }

    /// Closes the connection; the future is completed when it is closed.
    func beginClose() -> EventLoopFuture<Void> {
        onEventLoop { $0.close(RedisError(.closed, "The connection was closed by its owner.")) }
        return channel.closeFuture
    }

    /// Sends a pipeline without waiting.
    ///
    /// - Returns: What ``send(_:timeout:)`` returns or throws.
    package func submit(_ commands: [RedisCommand], timeout: Duration?) -> EventLoopFuture<[RedisValue]> {
        let promise = eventLoop.makePromise(of: [RedisValue].self)
        submit(commands, timeout: timeout, waiter: .promise(promise))
        return promise.futureResult
    }

    func submit(_ commands: [RedisCommand], timeout: Duration?, waiter: RedisWaiter) {
        onEventLoop { $0.send(commands, timeout: timeout, waiter: waiter) }
    }

    /// Hands the connection's replies to another receiver; to be called on the event loop.
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
