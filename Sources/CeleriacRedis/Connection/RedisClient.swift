#if Redis
package import Logging
package import NIOCore

/// A client for a Redis server, over one connection that all callers share, or for a cluster, over one to each node.
///
/// The client connects at the first call, and after a loss reconnects as soon as there is another call. Calls made
/// without a connection wait for one, for at most the configuration's `connectTimeout`. Calls that were in flight when
/// a connection broke fail with `connectionLost`. The client never repeats them on its own, since the server may have
/// run them.
///
/// In a cluster each command goes to the node that serves the slot of its first key; what has none goes to any. A pipeline
/// is in order as far as its keys lie in one slot. What a node refuses because the slot has moved, moves or is served by
/// nobody has done nothing, and is sent again, for at most `connectTimeout`.
///
/// Cancelling a task does not end its call, since the reply may carry something that must not be lost. Blocking
/// commands (`BLMOVE`, `BRPOP`) would hold up all callers of a client: give them a client of their own.
///
/// The event loop group must outlive the client.
package final class RedisClient: Sendable {
    /// The server.
    package let configuration: RedisConfiguration
    /// The event loop that the connection runs on.
    package let eventLoop: any EventLoop

    private let core: NIOLoopBoundBox<RedisRouter>

    /// Creates a client. It does not connect yet.
    ///
    /// - Parameters:
    ///   - configuration: The server.
    ///   - eventLoopGroup: The client uses one of its event loops.
    ///   - logger: The logger for connections and losses.
    package init(_ configuration: RedisConfiguration, eventLoopGroup: any EventLoopGroup, logger: Logger) {
        let eventLoop = eventLoopGroup.next()
        self.configuration = configuration
        self.eventLoop = eventLoop
        core = NIOLoopBoundBox.makeBoxSendingValue(
            RedisRouter(configuration, eventLoop: eventLoop, logger: logger), eventLoop: eventLoop)
    }

    deinit {
        eventLoop.execute { [core] in core.value.close(nil) }
    }

    /// Sends a pipeline and waits for its replies, for at most the configuration's `commandTimeout`.
    ///
    /// - Returns: One reply for each command, in order. It is a ``RedisValue/error(_:)`` if the server refused the
    ///   command.
    /// - Throws: As ``send(_:timeout:)``.
    package nonisolated(nonsending) func send(_ commands: [RedisCommand]) async throws(RedisError) -> [RedisValue] {
        try await send(commands, timeout: configuration.commandTimeout)
    }

    /// Sends a pipeline and waits for its replies.
    ///
    /// - Parameters:
    ///   - commands: The commands, in order.
    ///   - timeout: How long the replies may take once the commands are sent; `nil` for no limit.
    ///   - waitsForServer: Whether the call waits for a connection as calls do. If not, it fails with the first attempt
    ///     to make one, for callers who tell of that and try again by themselves.
    /// - Returns: One reply for each command, in order. It is a ``RedisValue/error(_:)`` if the server refused the
    ///   command.
    /// - Throws: Before anything is sent: `connectFailed`, `timeout`, `tls`, `authenticationFailed`,
    ///   `unsuitableServer`, `server`, `closed`, `tooLarge`. Afterwards: `connectionLost`, `timeout`, `closed`,
    ///   `protocolViolation`.
    package nonisolated(nonsending) func send(
        _ commands: [RedisCommand], timeout: Duration?, waitsForServer: Bool = true
    ) async throws(RedisError) -> [RedisValue] {
        try await withCheckedContinuation { continuation in
            submit(
                commands, timeout: timeout, waitsForServer: waitsForServer, waiter: .continuation(continuation))
        }.get()
    }

    /// Sends a pipeline without waiting, for use in callbacks on event loops. The configuration's `commandTimeout`
    /// applies.
    ///
    /// - Returns: A future with what ``send(_:)`` returns or throws.
    package func submit(_ commands: [RedisCommand]) -> EventLoopFuture<[RedisValue]> {
        submit(commands, timeout: configuration.commandTimeout)
    }

    /// Sends a pipeline without waiting.
    ///
    /// - Parameters:
    ///   - commands: The commands, in order.
    ///   - timeout: How long the replies may take once the commands are sent; `nil` for no limit, which suits blocking
    ///     commands.
    /// - Returns: A future with what ``send(_:timeout:)`` returns or throws.
    package func submit(_ commands: [RedisCommand], timeout: Duration?) -> EventLoopFuture<[RedisValue]> {
        let promise = eventLoop.makePromise(of: [RedisValue].self)
        submit(commands, timeout: timeout, waiter: .promise(promise))
        return promise.futureResult
    }

    /// Sends one command and waits for its reply, for at most the configuration's `commandTimeout`.
    ///
    /// - Throws: As ``send(_:timeout:)``, and `server` if the server refuses the command.
    @discardableResult
    package nonisolated(nonsending) func send(_ command: RedisCommand) async throws(RedisError) -> RedisValue {
        try await send([command]).singleReply()
    }

    /// Runs a script and waits for its reply, for at most the configuration's `commandTimeout`.
    ///
    /// - Parameters:
    ///   - script: The script. See ``RedisScript`` for how the server learns it.
    ///   - keys: The script's `KEYS`.
    ///   - arguments: The script's `ARGV`.
    /// - Returns: The script's reply.
    /// - Throws: As ``send(_:timeout:)``, and `server` if the server refuses the call or the script fails.
    package nonisolated(nonsending) func evaluate(
        _ script: RedisScript, keys: [any RedisArgument] = [], arguments: [any RedisArgument] = []
    ) async throws(RedisError) -> RedisValue {
        try await send(.evaluate(script, keys: keys, arguments: arguments))
    }

    /// Adds a closure that is called on the event loop for each new connection, and immediately for an existing one.
    /// The commands that it returns are sent before those of any waiting caller.
    package func onConnected(_ hook: @escaping @Sendable (RedisConnection) -> [RedisCommand]) {
        onEventLoop { $0.addHook(hook) }
    }

    /// Closes the client for good, and waits until its connection is closed. All waiting and later calls fail with
    /// `closed`.
    package nonisolated(nonsending) func close() async {
        let done = eventLoop.makePromise(of: Void.self)
        onEventLoop { $0.close(done) }
        try? await done.futureResult.get()
    }

    func submit(
        _ commands: [RedisCommand], timeout: Duration?, waitsForServer: Bool = true, waiter: RedisWaiter
    ) {
        onEventLoop { $0.send(commands, timeout: timeout, waitsForServer: waitsForServer, waiter: waiter) }
    }

    private func onEventLoop(_ body: @escaping @Sendable (RedisRouter) -> Void) {
        if eventLoop.inEventLoop {
            body(core.value)
        } else {
            eventLoop.execute { [core] in body(core.value) }
        }
    }
}
#endif
