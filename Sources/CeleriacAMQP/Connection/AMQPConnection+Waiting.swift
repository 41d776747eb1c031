#if AMQP

internal import NIOCore

extension AMQPConnection {
    /// Makes a waiter, has `begin` start what it waits for, and waits for the answer.
    ///
    /// What `begin` throws is thrown. The wait ends with an error at the configuration's `replyTimeout`, when the task
    /// is cancelled, and when the channel or the connection ends.
    func answer(
        _ operation: String, _ begin: (Waiter) throws(AMQPError) -> Void
    ) async throws(AMQPError) -> Waiter.Answer {
        let id = nextWaiterID()
        let result: Result<Waiter.Answer, AMQPError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let waiter = makeWaiter(id, operation) { continuation.resume(returning: $0) }
                if Task.isCancelled {
                    waiter.fail(.cancelled.withNothingSent())
                    return
                }
                // Before anything that begins with it: waiters are found by their order.
                add(waiter)
                do throws(AMQPError) {
                    try begin(waiter)
                } catch {
                    waiter.fail(error)
                }
            }
        } onCancel: {
            // Runs after the job that adds the waiter, if that is under way on the event loop now.
            eventLoop.execute { self.assumeIsolated { $0.waiters.waiter(id)?.fail(.cancelled) } }
        }
        return try result.get()
    }

    /// A waiter whose answer goes to a function on the event loop, without a task.
    func callback(
        _ operation: String, _ completion: @escaping (Result<Waiter.Answer, AMQPError>) -> Void
    ) -> Waiter {
        let waiter = makeWaiter(nextWaiterID(), operation, completion)
        add(waiter)
        return waiter
    }

    private func nextWaiterID() -> UInt64 {
        lastWaiterID += 1
        return lastWaiterID
    }

    private func makeWaiter(
        _ id: UInt64, _ operation: String, _ completion: @escaping (Result<Waiter.Answer, AMQPError>) -> Void
    ) -> Waiter {
        let deadline = NIODeadline.now() + TimeAmount(configuration.replyTimeout)
        return Waiter(id: id, deadline: deadline, operation: operation, completion: completion)
    }

    private func add(_ waiter: Waiter) {
        guard !waiter.isSettled else { return }
        waiters.add(waiter)
        if waiterTimer == nil { watchNextDeadline() }
    }

    private func watchNextDeadline() {
        waiterTimer = waiters.nextDeadline.map { deadline in
            eventLoop.scheduleTask(deadline: deadline) { self.assumeIsolated { $0.expireWaiters() } }
        }
    }

    private func expireWaiters() {
        for waiter in waiters.removeExpired(.now()) {
            if let blockedReason {
                waiter.fail(
                    AMQPError(
                        .blocked,
                        "The broker blocks publishes (\(blockedReason)) and did not answer \(waiter.operation) within "
                            + "\(configuration.replyTimeout)."))
            } else {
                waiter.fail(
                    AMQPError(
                        .timeout,
                        "The broker did not answer \(waiter.operation) within \(configuration.replyTimeout)."))
            }
        }
        watchNextDeadline()
    }

    // MARK: Heartbeats

    func startHeartbeats(seconds: UInt16) {
        guard seconds > 0 else { return }
        let clock = HeartbeatClock(interval: .seconds(Int64(seconds)), now: .now())
        heartbeat = clock
        watchHeartbeat(clock.period)
    }

    private func watchHeartbeat(_ period: TimeAmount) {
        heartbeatTimer = eventLoop.scheduleTask(in: period) { self.assumeIsolated { $0.beat() } }
    }

    private func beat() {
        guard let clock = heartbeat else { return }
        let duty = clock.duty(at: .now())
        if duty.isPeerDead {
            shutDown(
                AMQPError(
                    .connectionLost,
                    "Nothing came from the broker for two heartbeat intervals of "
                        + "\(clock.interval.nanoseconds / 1_000_000_000) s."))
            return
        }
        if duty.sendsHeartbeat {
            writer.writeHeartbeat(to: &output)
            flush()
        }
        watchHeartbeat(clock.period)
    }
}

#endif
