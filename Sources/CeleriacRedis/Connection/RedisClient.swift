#if Redis
package import Logging
package import NIOCore

/// A Redis server, spoken to over one connection that all callers share.
///
/// The client connects at the first call and again after a loss, as soon as somebody calls. Calls that come while there
/// is no connection wait for it, at most for the configuration's `connectTimeout`. Calls that were on their way when a
/// connection broke fail with `connectionLost`; they are never repeated behind the caller's back, since the server may
/// have run them.
///
/// A call is not ended by cancelling the task that made it, since its reply may carry what must not be lost. Commands
/// that block (`BLMOVE`, `BRPOP`) hold up all callers of a client: give them a ``RedisConnection`` of their own.
///
/// The event loop group must outlive the client.
package final class RedisClient: Sendable {
    /// The server.
    package let configuration: RedisConfiguration
    /// The event loop on which the connection lives.
    package let eventLoop: any EventLoop

    private let core: NIOLoopBoundBox<RedisClientCore>

    /// Creates a client. It does not connect yet.
    ///
    /// - Parameters:
    ///   - configuration: The server.
    ///   - eventLoopGroup: The client takes one event loop of it.
    ///   - logger: Where connections and losses are told.
    package init(_ configuration: RedisConfiguration, eventLoopGroup: any EventLoopGroup, logger: Logger) {
        let eventLoop = eventLoopGroup.next()
        self.configuration = configuration
        self.eventLoop = eventLoop
        core = NIOLoopBoundBox.makeBoxSendingValue(
            RedisClientCore(configuration, eventLoop: eventLoop, logger: logger), eventLoop: eventLoop)
    }

    deinit {
        eventLoop.execute { [core] in core.value.close(nil) }
    }

    /// Sends a pipeline and waits for its replies, for at most the configuration's `commandTimeout`.
    ///
    /// - Returns: One reply per command, in order. A command that the server refused has a ``RedisValue/error(_:)``.
    /// - Throws: As ``send(_:timeout:)``.
    package nonisolated(nonsending) func send(_ commands: [RedisCommand]) async throws(RedisError) -> [RedisValue] {
        try await send(commands, timeout: configuration.commandTimeout)
    }

    /// Sends a pipeline and waits for its replies.
    ///
    /// - Parameters:
    ///   - commands: The commands, in order.
    ///   - timeout: How long the replies may take once they are sent; `nil` for no limit.
    /// - Returns: One reply per command, in order. A command that the server refused has a ``RedisValue/error(_:)``.
    /// - Throws: Before anything is sent: `connectFailed`, `timeout`, `tls`, `authenticationFailed`, `server`, `closed`,
    ///   `tooLarge`. Afterwards: `connectionLost`, `timeout`, `closed`, `protocolViolation`.
    package nonisolated(nonsending) func send(
        _ commands: [RedisCommand], timeout: Duration?
    ) async throws(RedisError) -> [RedisValue] {
        try await withCheckedContinuation { continuation in
            submit(commands, timeout: timeout, waiter: .continuation(continuation))
        }.get()
    }

    /// Sends a pipeline without waiting, for at most the configuration's `commandTimeout`: for callbacks on event loops.
    ///
    /// - Returns: What ``send(_:)`` returns or throws.
    package func submit(_ commands: [RedisCommand]) -> EventLoopFuture<[RedisValue]> {
        let promise = eventLoop.makePromise(of: [RedisValue].self)
        let timeout = configuration.commandTimeout
        onEventLoop { $0.send(commands, timeout: timeout, waiter: .promise(promise)) }
        return promise.futureResult
    }

    /// Sends one command and waits for its reply, for at most the configuration's `commandTimeout`.
    ///
    /// - Throws: As ``send(_:timeout:)``, and `server` where the server refused the command.
    @discardableResult
    package nonisolated(nonsending) func send(_ command: RedisCommand) async throws(RedisError) -> RedisValue {
        try await send([command]).singleReply()
    }

    /// Runs a script and waits for its reply, for at most the configuration's `commandTimeout`.
    ///
    /// - Parameters:
    ///   - script: The script; see ``RedisScript`` for how the server comes to know it.
    ///   - keys: What the script finds in `KEYS`.
    ///   - arguments: What the script finds in `ARGV`.
    /// - Throws: As ``send(_:timeout:)``, and `server` where the server refused the call or the script failed.
    package nonisolated(nonsending) func evaluate(
        _ script: RedisScript, keys: [any RedisArgument] = [], arguments: [any RedisArgument] = []
    ) async throws(RedisError) -> RedisValue {
        try await send(.evaluate(script, keys: keys, arguments: arguments))
    }

    /// Adds a closure that is called on the event loop whenever a connection was made, at once where there is one.
    /// The commands that it returns are sent before those of any waiting caller.
    package func onConnected(_ hook: @escaping @Sendable (RedisConnection) -> [RedisCommand]) {
        onEventLoop { $0.addHook(hook) }
    }

    /// Closes the client for good, and waits until its connection is closed. Everybody who waits for a connection or a
    /// reply gets the error `closed`, and so do later calls.
    package nonisolated(nonsending) func close() async {
        let done = eventLoop.makePromise(of: Void.self)
        onEventLoop { $0.close(done) }
        try? await done.futureResult.get()
    }

    func submit(_ commands: [RedisCommand], timeout: Duration?, waiter: RedisWaiter) {
        onEventLoop { $0.send(commands, timeout: timeout, waiter: waiter) }
    }

    private func onEventLoop(_ body: @escaping @Sendable (RedisClientCore) -> Void) {
        if eventLoop.inEventLoop {
            body(core.value)
        } else {
            eventLoop.execute { [core] in body(core.value) }
        }
    }
}
#endif
