#if AMQP

internal import CeleriacCore
internal import Logging
internal import NIOCore

/// Keeps one connection to the first broker of a list that answers, for as long as somebody needs it.
///
/// It is an actor on the connection's event loop. It schedules later work on that loop's timers and has no task of its
/// own.
actor ClientCore {
    private enum State {
        /// Nobody needs a connection.
        case idle
        case connecting(AMQPConnection)
        /// Every broker failed, or the connection was lost quickly. The timer starts the next round.
        case pausing(Scheduled<Void>)
        case connected(AMQPConnection, since: NIODeadline)
        case closed
    }

    private struct Caller {
        let continuation: CheckedContinuation<Result<AMQPConnection, AMQPError>, Never>
        let timeout: Scheduled<Void>
    }

    nonisolated let eventLoop: any EventLoop
    nonisolated var unownedExecutor: UnownedSerialExecutor { eventLoop.executor.asUnownedSerialExecutor() }

    private let configurations: [AMQPConfiguration]
    private let logger: Logger
    private var state = State.idle
    private var callers: [UInt64: Caller] = [:]
    private var lastCallerID: UInt64 = 0
    /// The broker to try next.
    private var index = 0
    /// The errors of this round's brokers.
    private var failures: [AMQPError] = []
    private var lastFailure: AMQPError?
    /// Whether a broker has ever taken the login.
    private var hasConnected = false
    private var backoff = Backoff(maximum: .seconds(5))
    /// Whether the close waits for no broker.
    private var isDoubted = false
    /// The earliest time for the next attempt.
    private var earliestAttempt = NIODeadline.now()

    init(_ configurations: [AMQPConfiguration], on eventLoop: any EventLoop, logger: Logger) {
        self.configurations = configurations
        self.eventLoop = eventLoop
        self.logger = logger
    }

    func connection() async throws(AMQPError) -> AMQPConnection {
        if case .connected(let connection, _) = state { return connection }
        lastCallerID += 1
        let id = lastCallerID
        let result: Result<AMQPConnection, AMQPError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled {
                    continuation.resume(returning: .failure(.cancelled.withNothingSent()))
                } else {
                    add(id, continuation)
                }
            }
        } onCancel: {
            eventLoop.execute { self.assumeIsolated { $0.answer(id, .failure(.cancelled.withNothingSent())) } }
        }
        return try result.get()
    }

    /// Ends everything without waiting, because the client was released without being closed.
    func abandon() {
        let last = state
        state = .closed
        answerAll(.failure(Self.closed))
        switch last {
        case .connecting(let connection), .connected(let connection, _): connection.assumeIsolated { $0.abandon() }
        case .pausing(let timer): timer.cancel()
        case .idle, .closed: break
        }
    }

    func doubt() { isDoubted = true }

    func close() async {
        if isDoubted { return abandon() }
        let last = state
        state = .closed
        answerAll(.failure(Self.closed))
        switch last {
        case .connecting(let connection), .connected(let connection, _): await connection.close()
        case .pausing(let timer): timer.cancel()
        case .idle, .closed: break
        }
    }

    private static let closed = AMQPError(.connectionClosed, "The client was closed.", nothingSent: true)

    // MARK: Callers

    private func add(_ id: UInt64, _ continuation: CheckedContinuation<Result<AMQPConnection, AMQPError>, Never>) {
        if case .closed = state {
            continuation.resume(returning: .failure(Self.closed))
            return
        }
        // This is long enough for the last broker in the list even if those before it do not answer.
        let longest = configurations.reduce(Duration.zero) { $0 + $1.connectTimeout }
        guard !configurations.isEmpty else {
            continuation.resume(
                returning: .failure(
                    AMQPError(.invalidURL, "The client has no broker to connect to; give it at least one URL.")))
            return
        }
        let timeout = eventLoop.scheduleTask(in: TimeAmount(longest)) { self.assumeIsolated { $0.giveUp(id) } }
        callers[id] = Caller(continuation: continuation, timeout: timeout)
        if case .idle = state { beginRound() }
    }

    private func giveUp(_ id: UInt64) {
        let error =
            lastFailure
            ?? AMQPError(
                .timeout, "No broker answered in time: check that it runs and that the address is right."
            ).whileConnecting(to: configurations.map(\.description).joined(separator: ";"))
        answer(id, .failure(error.withNothingSent()))
    }

    private func answer(_ id: UInt64, _ result: Result<AMQPConnection, AMQPError>) {
        guard let caller = callers.removeValue(forKey: id) else { return }
        caller.timeout.cancel()
        caller.continuation.resume(returning: result)
    }

    private func answerAll(_ result: Result<AMQPConnection, AMQPError>) {
        for id in callers.keys.sorted() { answer(id, result) }
    }

    // MARK: Connecting

    private func beginRound() {
        failures = []
        if earliestAttempt <= .now() {
            connectNext()
        } else {
            state = .pausing(
                eventLoop.scheduleTask(deadline: earliestAttempt) { self.assumeIsolated { $0.pauseEnded() } })
        }
    }

    private func connectNext() {
        let connection = AMQPConnection(configurations[index], on: eventLoop, logger: logger)
        state = .connecting(connection)
        connection.assumeIsolated {
            $0.start { error in self.assumeIsolated { $0.attemptEnded(connection, error) } }
        }
    }

    private func attemptEnded(_ connection: AMQPConnection, _ error: AMQPError?) {
        guard case .connecting(let current) = state, current === connection else { return }
        guard let error else {
            lastFailure = nil
            hasConnected = true
            state = .connected(connection, since: .now())
            connection.assumeIsolated {
                $0.onClose { error in self.assumeIsolated { $0.connectionEnded(connection, error) } }
            }
            answerAll(.success(connection))
            return
        }
        logger.info(
            "cannot connect to the AMQP broker",
            metadata: [LogKey.broker: "\(connection.configuration)", LogKey.error: "\(error)"])
        let failure = (error.isRefusedLogin && hasConnected ? error.refusedForNow : error)
            .whileConnecting(to: "\(connection.configuration)")
        lastFailure = failure
        failures.append(failure)
        index = (index + 1) % configurations.count
        if failures.count < configurations.count {
            connectNext()
        } else {
            endRound(failure)
        }
    }

    /// Ends a round in which every broker failed. If all of them refused us, waiting cannot help, and the callers get
    /// the error; otherwise they wait for the next round. A login that worked before may work again soon: passwords and
    /// rights are changed at the broker and here one after the other.
    private func endRound(_ last: AMQPError) {
        if failures.allSatisfy({ $0.isRefusedLogin || $0.code == .tls }) {
            answerAll(.failure(last.withNothingSent()))
        }
        delayNextAttempt()
        resumeIfWanted()
    }

    private func delayNextAttempt() {
        earliestAttempt = .now() + TimeAmount(backoff.next())
    }

    private func resumeIfWanted() {
        state = .idle
        if !callers.isEmpty { beginRound() }
    }

    private func pauseEnded() {
        guard case .pausing = state else { return }
        resumeIfWanted()
    }

    private func connectionEnded(_ connection: AMQPConnection, _ error: AMQPError) {
        guard case .connected(let current, let since) = state, current === connection else { return }
        logger.info(
            "lost the connection to the AMQP broker",
            metadata: [LogKey.broker: "\(connection.configuration)", LogKey.error: "\(error)"])
        if .now() - since >= TimeAmount(backoff.maximum) {
            backoff.reset()
        } else {
            delayNextAttempt()
        }
        resumeIfWanted()
    }
}

#endif
