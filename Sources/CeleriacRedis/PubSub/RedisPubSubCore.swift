#if Redis
internal import Logging
internal import NIOCore

/// The state of a ``RedisPubSub``, confined to its event loop.
final class RedisPubSubCore: RedisReconnectorDelegate, RedisReplyReceiver {
    /// The caller of a change; there is none without a continuation.
    struct Waiter {
        let continuation: CheckedContinuation<Result<Void, RedisError>, Never>?

        func resume(returning result: Result<Void, RedisError>) { continuation?.resume(returning: result) }
    }

    private let configuration: RedisConfiguration
    private let eventLoop: any EventLoop
    private let reconnector: RedisReconnector
    private let onEvent: @Sendable (RedisPubSubEvent) -> Void
    private let onMessages: @Sendable ([RedisPubSubMessage]) -> Void
    private var subscriptions = RedisSubscriptions<Waiter>()
    /// The connection, which this reference keeps alive, and the end of its channel.
    private var link: (connection: RedisConnection, handler: RedisChannelHandler)?
    private var messages: [RedisPubSubMessage] = []
    private var lastFailure: RedisError?
    private var deadlineTimer: (task: Scheduled<Void>, deadline: NIODeadline)?
    private var pingTimer: Scheduled<Void>?
    private var unansweredPings = 0
    private var isClosed = false

    init(
        _ configuration: RedisConfiguration, eventLoop: any EventLoop, logger: Logger,
        onEvent: @escaping @Sendable (RedisPubSubEvent) -> Void,
        onMessages: @escaping @Sendable ([RedisPubSubMessage]) -> Void
    ) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.onEvent = onEvent
        self.onMessages = onMessages
        reconnector = RedisReconnector(configuration, eventLoop: eventLoop, logger: logger)
        reconnector.delegate = self
    }

    /// Changes the subscriptions.
    func change(_ kind: RedisSubscriptions<Waiter>.Kind, _ names: [String], waiter: Waiter) {
        guard !isClosed else {
            waiter.resume(returning: .failure(Self.closedError))
            return
        }
        guard !names.isEmpty else {
            waiter.resume(returning: .success(()))
            return
        }
        let connectBy = eventLoop.now + TimeAmount(clamping: configuration.connectTimeout)
        let limit = connectBy + TimeAmount(clamping: configuration.commandTimeout)
        let deadline = link == nil ? connectBy : eventLoop.now + TimeAmount(clamping: configuration.commandTimeout)
        if let command = subscriptions.begin(kind, names, deadline: deadline, limit: limit, waiter: waiter) {
            send([command])
        } else {
            reconnector.demand()
        }
        armDeadlineTimer(deadline)
    }

    /// Closes the connection for good.
    func close(_ done: EventLoopPromise<Void>?) {
        isClosed = true
        reconnector.close()
        deadlineTimer?.task.cancel()
        pingTimer?.cancel()
        for waiter in subscriptions.removeWaiters() { waiter.resume(returning: .failure(Self.closedError)) }
        if let link = link.take() {
            link.handler.close(Self.closedError)
            link.connection.beginClose().cascade(to: done)
        } else {
            done?.succeed()
        }
    }

    // MARK: The connection

    var needsConnection: Bool { !subscriptions.isEmpty }

    func connected(_ connection: RedisConnection) {
        let handler = connection.handOver(to: self)
        // If it is closed, its end has already been reported.
        guard !handler.isClosed else { return }
        link = (connection, handler)
        lastFailure = nil
        unansweredPings = 0
        onEvent(.connected(clientID: connection.clientID))
        // The owner's handler may have closed this object.
        guard link != nil else { return }
        schedulePing()
        let deadline = eventLoop.now + TimeAmount(clamping: configuration.commandTimeout)
        let commands = subscriptions.connected(deadline: deadline)
        armDeadlineTimer(subscriptions.earliestDeadline)
        send(commands)
    }

    func connectFailed(_ error: RedisError) {
        lastFailure = error
        if !error.isOutOfReach {
            for waiter in subscriptions.removeWaiters() { waiter.resume(returning: .failure(error)) }
        }
        onEvent(.disconnected(error))
    }

    func connectionClosed(_ error: RedisError) {
        guard !isClosed else { return }
        deliverMessages()
        pingTimer?.cancel()
        link = nil
        lastFailure = error
        subscriptions.disconnected()
        onEvent(.disconnected(error))
        reconnector.lost(error)
    }

    // MARK: Replies

    func receive(_ reply: RedisValue) throws(RedisError) {
        switch try subscriptions.receive(reply) {
        case .message(let message):
            messages.append(message)
        case .progress:
            break
        case .confirmed(let waiter):
            waiter.resume(returning: .success(()))
        case .refused(let waiter, let error):
            waiter.resume(returning: .failure(RedisError(error)))
        case .resubscribed:
            deliverMessages()
            onEvent(.resubscribed)
        case .pong:
            unansweredPings = 0
        }
    }

    func receiveComplete() {
        deliverMessages()
    }

    private func deliverMessages() {
        guard !messages.isEmpty else { return }
        let batch = messages
        messages = []
        onMessages(batch)
    }

    // MARK: Requests and timers

    private func send(_ commands: [RedisCommand]) {
        guard let link, !commands.isEmpty else { return }
        link.handler.write(size: commands.reduce(0) { $0 + $1.wireSize() }) { buffer in
            for command in commands { command.write(to: &buffer) }
        }
    }

    private func schedulePing() {
        pingTimer = eventLoop.assumeIsolated()
            .scheduleTask(in: TimeAmount(clamping: configuration.pingInterval)) { [weak self] () -> Void in
                self?.ping()
            }
    }

    private func ping() {
        guard let link else { return }
        guard unansweredPings < configuration.toleratedPings else {
            link.handler.close(
                RedisError(.timeout, "The server left \(unansweredPings) PINGs unanswered; the connection was closed."))
            return
        }
        unansweredPings += 1
        send([RedisCommand("PING")])
        schedulePing()
    }

    // One timer serves all calls. It is set for the earliest deadline, and looks again when it fires.
    private func armDeadlineTimer(_ deadline: NIODeadline?) {
        guard let deadline else { return }
        if let deadlineTimer {
            guard deadline < deadlineTimer.deadline else { return }
            deadlineTimer.task.cancel()
        }
        let task = eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { [weak self] () -> Void in
            self?.deadlineReached()
        }
        deadlineTimer = (task, deadline)
    }

    private func deadlineReached() {
        deadlineTimer = nil
        let (waiters, mustClose) = subscriptions.expire(now: eventLoop.now)
        let late = RedisError(.timeout, "The server did not confirm a subscription in time.")
        let error = link == nil ? lastFailure ?? late : late
        for waiter in waiters { waiter.resume(returning: .failure(error)) }
        if mustClose { link?.handler.close(late) }
        armDeadlineTimer(subscriptions.earliestDeadline)
    }

    private static var closedError: RedisError { RedisError(.closed, "The subscriptions' owner closed them.") }
}
#endif
