#if Redis
internal import DequeModule
internal import Logging
internal import NIOCore

/// The part of a ``RedisClient`` that talks to one server: a connection that is made again, and the calls that wait for
/// it. Its state is confined to its event loop.
final class RedisClientCore: RedisReconnectorDelegate {
    private struct Waiting {
        let commands: [RedisCommand]
        let timeout: Duration?
        let waiter: RedisWaiter
        let deadline: NIODeadline
        /// How many more attempts to connect it waits for; nil for all until the deadline.
        var attempts: Int?
    }

    /// Gets the connection, and the calls that wait for it, if that leads to a cluster.
    weak var router: RedisRouter?
    private let configuration: RedisConfiguration
    private let eventLoop: any EventLoop
    private let logger: Logger
    private let reconnector: RedisReconnector
    private var connection: RedisConnection?
    /// Calls that wait for a connection. Their deadlines ascend, since all of them wait equally long.
    private var waiting: Deque<Waiting> = []
    private var timer: Scheduled<Void>?
    private var lastFailure: RedisError?
    private var hooks: [@Sendable (RedisConnection) -> [RedisCommand]] = []
    private var isClosed = false

    init(_ configuration: RedisConfiguration, eventLoop: any EventLoop, logger: Logger) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.logger = logger
        reconnector = RedisReconnector(configuration, eventLoop: eventLoop, logger: logger)
        reconnector.delegate = self
    }

    /// Whether there is a connection.
    var isConnected: Bool { connection != nil }

    /// Whether no call waits, neither for a connection nor for an answer.
    var isIdle: Bool { waiting.isEmpty && connection?.isIdle != false }

    /// Sends a batch, or keeps it until there is a connection.
    func send(_ commands: [RedisCommand], timeout: Duration?, waitsForServer: Bool = true, waiter: RedisWaiter) {
        if let connection {
            connection.submit(commands, timeout: timeout, waiter: waiter)
        } else if isClosed {
            waiter.fail(Self.closedError)
        } else {
            let deadline = eventLoop.now + TimeAmount(clamping: configuration.connectTimeout)
            // Each of the servers that may be the one has its turn.
            let attempts: Int? = waitsForServer ? nil : 1 + configuration.seeds.count
            waiting.append(
                Waiting(commands: commands, timeout: timeout, waiter: waiter, deadline: deadline, attempts: attempts))
            armTimer()
            reconnector.demand()
        }
    }

    /// Adds a hook, and runs it if there is a connection.
    func addHook(_ hook: @escaping @Sendable (RedisConnection) -> [RedisCommand]) {
        hooks.append(hook)
        if let connection { run([hook], on: connection) }
    }

    /// Uses a connection that another one has made to this server.
    func adopt(_ connection: RedisConnection) {
        guard !isClosed, self.connection == nil else { return }
        reconnector.adopt()
        connected(connection)
    }

    /// Closes the client for good.
    func close(_ done: EventLoopPromise<Void>?) {
        isClosed = true
        reconnector.close()
        failWaiting(Self.closedError)
        if let connection = connection.take() {
            connection.beginClose().cascade(to: done)
        } else {
            done?.succeed()
        }
    }

    var needsConnection: Bool { !waiting.isEmpty }

    func connected(_ connection: RedisConnection) {
        lastFailure = nil
        timer?.cancel()
        timer = nil
        let calls = waiting
        waiting = []
        if connection.isCluster, !configuration.isNode, let router {
            // From now on the connection is that of its node, and the calls are the router's.
            reconnector.handOver()
            router.foundCluster(by: connection)
            for call in calls { router.send(call.commands, timeout: call.timeout, waiter: call.waiter) }
            return
        }
        self.connection = connection
        let core = NIOLoopBound(self, eventLoop: eventLoop)
        connection.onClose { [weak connection] error in
            core.value.lost(connection, error)
        }
        run(hooks, on: connection)
        for call in calls {
            connection.submit(call.commands, timeout: call.timeout, waiter: call.waiter)
        }
    }

    func connectFailed(_ error: RedisError) {
        lastFailure = error
        if configuration.isNode {
            // Another node may have taken over its slots.
            failWaiting(error.code == .timeout ? unreachable(error) : error)
        } else if !error.isOutOfReach {
            // If the server may come back soon, each caller waits for as long as it is allowed to.
            failWaiting(error)
        } else {
            failImpatient(error)
        }
    }

    /// Fails the calls that wait for no further attempt.
    private func failImpatient(_ error: RedisError) {
        let calls = waiting.map { call in
            var call = call
            call.attempts = call.attempts.map { $0 - 1 }
            return call
        }
        waiting = Deque(calls.filter { $0.attempts != 0 })
        for call in calls where call.attempts == 0 { call.waiter.fail(error) }
    }

    private func lost(_ lost: RedisConnection?, _ error: RedisError) {
        guard !isClosed, lost === connection else { return }
        connection = nil
        reconnector.lost(error)
    }

    private func run(_ hooks: [@Sendable (RedisConnection) -> [RedisCommand]], on connection: RedisConnection) {
        let commands = hooks.flatMap { $0(connection) }
        guard !commands.isEmpty else { return }
        let promise = eventLoop.makePromise(of: [RedisValue].self)
        promise.futureResult.whenSuccess { [logger] replies in
            for error in replies.compactMap(\.error) {
                logger.info("Redis refused a setup command", metadata: ["error": "\(error)"])
            }
        }
        connection.submit(commands, timeout: configuration.commandTimeout, waiter: .promise(promise))
    }

    private func failWaiting(_ error: RedisError) {
        timer?.cancel()
        timer = nil
        let calls = waiting
        waiting = []
        for call in calls { call.waiter.fail(error) }
    }

    private func armTimer() {
        guard timer == nil, let first = waiting.first else { return }
        timer = eventLoop.assumeIsolated().scheduleTask(deadline: first.deadline) { [weak self] () -> Void in
            self?.timerFired()
        }
    }

    private func timerFired() {
        timer = nil
        let now = eventLoop.now
        while let first = waiting.first, first.deadline <= now {
            waiting.removeFirst()
            first.waiter.fail(lastFailure ?? late)
        }
        armTimer()
    }

    /// Why a call found no connection. It was not sent, so that it may go to another node of a cluster.
    private var late: RedisError {
        let error = RedisError(
            .timeout,
            "No connection to \(configuration) was made in time: check that it runs and that the address is right.",
            isOfConnecting: true)
        return configuration.isNode ? unreachable(error) : error
    }

    private func unreachable(_ error: RedisError) -> RedisError {
        RedisError(.connectFailed, error.message, cause: error.cause)
    }

    static var closedError: RedisError { RedisError(.closed, "The client's owner closed it.") }
}
#endif
