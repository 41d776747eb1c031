#if AMQP

internal import DequeModule
internal import NIOCore

/// A caller that waits for the broker. It is answered exactly once: the first answer counts, later ones are ignored.
struct Waiter {
    let id: WaiterID
    let deadline: NIODeadline
    /// The awaited operation, for the error at the deadline.
    let operation: String
    /// The shared channel that this caller opens; all callers that want the channel get the answer.
    var opens: SharedChannels.Kind?
    /// Whether nothing of the call has been sent.
    fileprivate(set) var nothingSent = false
    fileprivate var isSettled = false

    init(id: WaiterID, deadline: NIODeadline, operation: String, opens: SharedChannels.Kind? = nil) {
        self.id = id
        self.deadline = deadline
        self.operation = operation
        self.opens = opens
    }
}

/// The waiting callers in the order of their ids. All of them wait equally long, so the first one has the next
/// deadline, give or take the moment by which another caller was quicker.
struct WaiterQueue {
    private var waiters = Deque<Waiter>()
    private var cleanupAt = 64

    /// How many callers are stored, including answered ones that stand behind a waiting one.
    var count: Int { waiters.count }

    var nextDeadline: NIODeadline? { waiters.first?.deadline }

    /// Adds a caller in the order of ids, which lookups rely on.
    ///
    /// The new caller nearly always has the highest id. But a caller gets its id before it is suspended, so another one
    /// can be quicker in between.
    mutating func add(_ waiter: Waiter) {
        if waiters.count >= cleanupAt {
            waiters.removeAll(where: \.isSettled)
            cleanupAt = max(64, waiters.count * 2)
        }
        var place = waiters.count
        while place > 0, waiters[place - 1].id > waiter.id { place -= 1 }
        waiters.insert(waiter, at: place)
    }

    func isWaiting(_ id: WaiterID) -> Bool {
        index(of: id).map { !waiters[$0].isSettled } ?? false
    }

    /// Records whether anything of the call has been sent.
    mutating func setNothingSent(_ nothingSent: Bool, for id: WaiterID) {
        if let index = index(of: id) { waiters[index].nothingSent = nothingSent }
    }

    /// Removes a caller in order to answer it; `nil` if it was already answered.
    mutating func settle(_ id: WaiterID) -> Waiter? {
        guard let index = index(of: id), !waiters[index].isSettled else { return nil }
        waiters[index].isSettled = true
        let waiter = waiters[index]
        while waiters.first?.isSettled == true { waiters.removeFirst() }
        return waiter
    }

    /// Removes and returns the callers whose deadlines have passed.
    mutating func removeExpired(_ now: NIODeadline) -> [Waiter] {
        var expired: [Waiter] = []
        while let first = waiters.first, first.isSettled || first.deadline <= now {
            waiters.removeFirst()
            if !first.isSettled { expired.append(first) }
        }
        return expired
    }

    /// Removes and returns all waiting callers.
    mutating func removeAll() -> [Waiter] {
        defer { waiters.removeAll() }
        return waiters.filter { !$0.isSettled }
    }

    private func index(of id: WaiterID) -> Int? {
        var low = 0
        var high = waiters.count
        while low < high {
            let middle = (low + high) / 2
            if waiters[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < waiters.count && waiters[low].id == id ? low : nil
    }
}

/// Decides when a heartbeat is due and when the peer is dead. The time is passed in.
struct HeartbeatClock {
    /// The result of a check.
    struct Duty: Equatable {
        /// Whether nothing was written for half the interval.
        var sendsHeartbeat: Bool
        /// Whether nothing was received for two intervals.
        var isPeerDead: Bool
    }

    /// The negotiated longest silence.
    let interval: TimeAmount
    private var lastHeard: NIODeadline
    private var lastWritten: NIODeadline

    init(interval: TimeAmount, now: NIODeadline) {
        self.interval = interval
        lastHeard = now
        lastWritten = now
    }

    /// The time between checks.
    var period: TimeAmount { .nanoseconds(interval.nanoseconds / 2) }

    mutating func heard(_ now: NIODeadline) { lastHeard = now }

    mutating func wrote(_ now: NIODeadline) { lastWritten = now }

    func duty(at now: NIODeadline) -> Duty {
        Duty(
            sendsHeartbeat: now - lastWritten >= period,
            isPeerDead: now - lastHeard >= .nanoseconds(interval.nanoseconds * 2))
    }
}

extension AMQPConnectionState {
    // MARK: Timers

    mutating func timerFired(_ timer: ConnectionAction.Timer, now: NIODeadline) -> [ConnectionAction] {
        self.now = now
        switch timer {
        case .connect:
            guard isHandshaking else { break }
            end(
                AMQPError(
                    .timeout, "No AMQP connection within \(configuration.connectTimeout).", cause: transportError))
        case .close: end(.connectionClosed)
        case .heartbeat: beat()
        case .reply:
            expireWaiters()
            watchNextDeadline()
        }
        return takeActions()
    }

    mutating func startHeartbeats(seconds: UInt16) {
        guard seconds > 0 else { return }
        let clock = HeartbeatClock(interval: .seconds(Int64(seconds)), now: now)
        heartbeat = clock
        actions.append(.schedule(.heartbeat, at: now + clock.period))
    }

    private mutating func beat() {
        guard isReceiving, let clock = heartbeat else { return }
        let duty = clock.duty(at: now)
        guard !duty.isPeerDead else {
            end(
                AMQPError(
                    .connectionLost,
                    "The broker sent nothing for two heartbeat intervals of "
                        + "\(clock.interval.nanoseconds / 1_000_000_000) s."))
            return
        }
        if duty.sendsHeartbeat {
            writer.writeHeartbeat(to: &output)
            writeOut()
        }
        actions.append(.schedule(.heartbeat, at: now + clock.period))
    }

    // MARK: Callers who wait

    /// Makes an id for the next caller.
    mutating func makeWaiterID() -> WaiterID {
        lastWaiterID += 1
        return lastWaiterID
    }

    /// Has a caller wait. With `isQuestion` the broker is asked something now.
    mutating func wait(
        _ id: WaiterID, for operation: String, opens kind: SharedChannels.Kind? = nil, isQuestion: Bool = true
    ) {
        if isQuestion { noteQuestion() }
        waiters.add(
            Waiter(
                id: id, deadline: now + TimeAmount(configuration.replyTimeout), operation: operation, opens: kind))
        if !isReplyTimerSet { watchNextDeadline() }
    }

    private mutating func watchNextDeadline() {
        let deadline = waiters.nextDeadline
        isReplyTimerSet = deadline != nil
        if let deadline { actions.append(.schedule(.reply, at: deadline)) }
    }

    private mutating func expireWaiters() {
        for waiter in waiters.removeExpired(now) {
            let silence = "did not answer \(waiter.operation) within \(configuration.replyTimeout)."
            let error =
                if let blockedReason {
                    AMQPError(.blocked, "The broker blocks publishes (\(blockedReason)) and \(silence)")
                } else {
                    AMQPError(.timeout, "The broker \(silence)")
                }
            complete(waiter, .failure(error))
        }
    }

    /// Cancels the wait of a caller whose task was cancelled.
    mutating func cancelWait(_ id: WaiterID) -> [ConnectionAction] {
        fail(id, .cancelled)
        return takeActions()
    }

    /// Answers a caller, unless it was already answered.
    mutating func answer(_ id: WaiterID?, _ answer: ConnectionAction.Answer) {
        guard let id, let waiter = waiters.settle(id) else { return }
        complete(waiter, .success(answer))
    }

    mutating func fail(_ id: WaiterID?, _ error: AMQPError) {
        guard let id, let waiter = waiters.settle(id) else { return }
        complete(waiter, .failure(error))
    }

    mutating func complete(_ waiter: Waiter, _ result: Result<ConnectionAction.Answer, AMQPError>) {
        let result = waiter.nothingSent ? result.mapError { $0.withNothingSent() } : result
        guard let kind = waiter.opens else {
            actions.append(.answer(waiter.id, result))
            return
        }
        let waiting = shared[kind].waiters
        shared[kind].waiters = []
        if case .success(.channel(let channel)) = result { shared[kind].channel = channel }
        for id in waiting where waiters.settle(id) != nil { actions.append(.answer(id, result)) }
    }
}

#endif
