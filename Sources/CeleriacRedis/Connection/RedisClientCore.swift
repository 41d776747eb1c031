#if Redis
internal import DequeModule
internal import Logging
internal import NIOCore

/// The state of a ``RedisClient``, confined to its event loop.
final class RedisClientCore: RedisReconnectorDelegate {
    private struct Waiting {
        let commands: [RedisCommand]
        let timeout: Duration?
        let waiter: RedisWaiter
        let deadline: NIODeadline
    }

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

    /// Sends a batch, or keeps it until there is a connection.
    func send(_ commands: [RedisCommand], timeout: Duration?, waiter: RedisWaiter) {
        if let connection {
            connection.submit(commands, timeout: timeout, waiter: waiter)
        } else if isClosed {
            waiter.fail(Self.closedError)
        } else {
            let deadline = eventLoop.now + TimeAmount(clamping: configuration.connectTimeout)
            waiting.append(Waiting(commands: commands, timeout: timeout, waiter: waiter, deadline: deadline))
            armTimer()
            reconnector.demand()
        }
    }

    /// Adds a hook, and runs it if there is a connection.
    func addHook(_ hook: @escaping @Sendable (RedisConnection) -> [RedisCommand]) {
        hooks.append(hook)
        if let connection { run([hook], on: connection) }
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
        self.connection = connection
        lastFailure = nil
        timer?.cancel()
        timer = nil
        let core = NIOLoopBound(self, eventLoop: eventLoop)
        connection.onClose { [weak connection] error in
            core.value.lost(connection, error)
        }
        run(hooks, on: connection)
        let calls = waiting
        waiting = []
        for call in calls {
            connection.submit(call.commands, timeout: call.timeout, waiter: call.waiter)
        }
    }

    func connectFailed(_ error: RedisError) {
        lastFailure = error
        // If the server may come back soon, each caller waits for as long as it is allowed to.
        if !error.isOutOfReach { failWaiting(error) }
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
            first.waiter.fail(
                lastFailure ?? RedisError(.timeout, "No connection to \(configuration) was made in time."))
        }
        armTimer()
    }

    private static var closedError: RedisError { RedisError(.closed, "The client's owner closed it.") }
}
#endif
