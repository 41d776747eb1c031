import CeleriacWire

// A message that is parked runs nowhere. Its task has failed, so that nobody waits for it for ever.
extension Ledger {
    /// Parks a delivery that cannot be run. If it says whose task it is, the task fails.
    func park(_ delivery: Delivery, _ fault: MessageFault) {
        let message = (try? delivery.content.get()) ?? delivery.remains
        guard let remains = message.flatMap({ dialect.remains(of: $0, delivery: delivery) }) else {
            return submit(
                Plan(receipt: delivery.receipt, taskID: "", endsJob: true, effects: [.settle(.park(fault))])
                    .parking(in: delivery.queue))
        }
        let request = remains.request
        if remains.mayRunElsewhere, !failsTasksOfUnacceptedContent {
            return submit(
                Plan(receipt: delivery.receipt, taskID: request.id, endsJob: true, effects: [.settle(.park(fault))])
                    .parking(in: delivery.queue))
        }
        park(request, delivery, fault, dialect.failure(for: .unrunnable(fault)), returns: delivery.attempts)
    }

    /// Parks a delivery whose task was begun too often without having ended. The task fails.
    ///
    /// - Parameters:
    ///   - delivery: the delivery.
    ///   - request: its request.
    ///   - excess: how often more than the limit it was begun: so often it has come back while error callbacks ran.
    func park(_ delivery: Delivery, exhausted request: TaskRequest, excess: Int = 0) {
        let excess = max(0, excess)
        let attempts = delivery.attempts - excess
        let failure = dialect.failure(for: .attemptsExhausted(attempts))
        park(request, delivery, MessageFault(exhausted: attempts), failure, returns: excess)
    }

    /// Tells the caller of a message that is parked already that its task has failed, since no worker has.
    ///
    /// - Parameter parked: the message.
    /// - Returns: whether there is somebody to tell; false if the message does not say whose task it is, or if nobody
    ///   wants the result.
    func tell(of parked: ParkedMessage) -> Bool {
        guard let plan = plan(of: parked) else { return false }
        submit(plan)
        return true
    }

    /// Whether to tell that caller is to call an error callback of this worker, which may end the process.
    func calls(of parked: ParkedMessage) -> Bool {
        plan(of: parked)?.callsAny ?? false
    }

    private func plan(of parked: ParkedMessage) -> Plan? {
        guard let content = parked.content, let request = dialect.task(of: content, inQueue: parked.queue) else {
            return nil
        }
        let context = effectContext(for: request)
        guard context.storesResult else { return nil }
        let failure = dialect.failure(
            for: MessageFault(reason: parked.reason, detail: parked.detail).taskFault(request))
        return Plan(
            receipt: nil, taskID: request.id, endsJob: false, request: request, context: context,
            effects: failing(request, failure, in: context),
            onEnd: observers.later(.ended(request, .failure(failure), runtime: nil))
        ).ofParked()
    }

    /// How often a message may come back while its error callbacks run, until it is parked before they do.
    static let mostReturns = 2

    /// Parks a message and tells its caller. The settlement stands first in the plan: the pipeline decides whether the
    /// caller can be told before. `returns` says how often the message has come back, counted, although it needed only to be
    /// parked.
    private func park(
        _ request: TaskRequest, _ delivery: Delivery, _ fault: MessageFault, _ failure: TaskFailure, returns: Int
    ) {
        let context = effectContext(for: request)
        // Nobody counts how often a message comes back whose envelope cannot be read.
        let isCountable = (try? delivery.content.get()) != nil && returns < Self.mostReturns
        submit(
            Plan(
                receipt: delivery.receipt, taskID: request.id, endsJob: true, request: request, context: context,
                effects: [.settle(.park(fault))] + failing(request, failure, in: context),
                onEnd: observers.later(.ended(request, .failure(failure), runtime: nil))
            ).calling(isCountable ? delivery.redelivered ? .counted : .held : .afterParking))
    }

    // MARK: What follows

    /// What follows when a task fails for good, except for the end of its delivery.
    func failing(_ request: TaskRequest, _ failure: TaskFailure, in context: EffectContext) -> [Effect] {
        var request = request
        // A task that is refused is not tried again, whatever its retries.
        request.refusal = failure
        let effects = effects(ofFailure: failure, for: request, in: context) ?? []
        return effects.filter { if case .settle = $0 { false } else { true } }
    }

    /// Returns the effects to carry out in place of a plan's own, the first of which was refused again and again. They
    /// make the plan's task fail. If its outcome is stored already it stands: then the tasks fail whose messages were
    /// refused, and the rest of the plan goes on. If the task fails already, they stand in for the refused effect alone: a
    /// chord whose part is not counted would never be complete, so its body fails.
    func failure(of plan: Plan, _ error: any Error) -> [Effect] {
        guard let request = plan.request else { return [] }
        let failure = dialect.failure(for: .followUpRefused(error))
        if plan.isOfFailure {
            guard case .chord(.add(let part))? = plan.first else { return [] }
            return dialect.effects(
                ofUncounted: part, failure, for: request, in: plan.context ?? effectContext(for: request))
        }
        if plan.hasStoredOutcome || !plan.tellsOutcome, !plan.messages.isEmpty {
            return plan.messages.flatMap { failing($0, failure) } + plan.unsettledRest
        }
        return plan.tellsOutcome ? failing(request, failure, in: effectContext(for: request)) : []
    }

    /// What follows when a message cannot be published: its task fails.
    private func failing(_ message: OutgoingMessage, _ failure: TaskFailure) -> [Effect] {
        let request = dialect.task(of: message.message, inQueue: message.routingKey)
        return request.map { failing($0, failure, in: effectContext(for: $0)) } ?? []
    }

    /// The context of a task that fails without a run.
    private func effectContext(for request: TaskRequest) -> EffectContext {
        let options = registrations[request.name]?.handler.options ?? TaskOptions()
        return effectContext(
            options, storesResult: !(request.ignoresResult ?? options.ignoresResult ?? false),
            outbound: telemetry?.following(request, in: nil))
    }
}

extension MessageFault {
    private static let exhausted = "tooManyAttempts"
    private static let unregistered = "unregistered"

    /// The fault of a message that was begun too often.
    fileprivate init(exhausted attempts: Int) {
        self.init(
            reason: Self.exhausted, detail: "begun \(attempts) times after it had come back, without having ended")
    }

    /// The fault of a message whose task has no handler.
    package init(unregistered task: String) {
        self.init(reason: Self.unregistered, detail: "no handler is registered for \(task) at this worker")
    }

    /// Why the task of a message with this fault has failed, as it was when the message was parked.
    fileprivate func taskFault(_ request: TaskRequest) -> TaskFault {
        switch reason {
        case Self.exhausted:
            .attemptsExhausted(detail.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
        case Self.unregistered: .notRegistered(name: request.name)
        default: .unrunnable(self)
        }
    }
}
