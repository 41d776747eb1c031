import Logging

import struct FoundationEssentials.Date

/// The effects of one outcome that remain to be carried out, in their order.
struct Plan: Sendable {
    /// When error callbacks of this worker are called that a message's task has, if the message is to be parked. What is
    /// called may itself end the process.
    enum Calls {
        /// Once it is parked. If the process ends before, nobody calls.
        case afterParking
        /// While the worker holds the message, so that it comes back if the process ends before it is parked. That is
        /// counted first: the count says when to give up.
        case counted
        /// As ``counted``, but there is nothing to count, or it has been.
        case held
    }

    /// What the effects follow from. It never changes, and is an object because plans move from lane to lane.
    private final class Origin: Sendable {
        let receipt: Receipt?
        let job: Job?
        let taskID: String
        /// The request of a plan without a job; the others have that of their job, since a request is large.
        private let ownRequest: TaskRequest?
        let context: EffectContext?
        let onEnd: (@Sendable () -> Void)?
        /// Whether there is a request, which is asked for each plan again and again.
        let hasRequest: Bool

        init(
            receipt: Receipt?, job: Job?, taskID: String, request: TaskRequest?, context: EffectContext?,
            onEnd: (@Sendable () -> Void)?
        ) {
            self.receipt = receipt
            self.job = job
            self.taskID = taskID
            self.ownRequest = request
            self.context = context
            self.onEnd = onEnd
            self.hasRequest = job != nil || request != nil
        }

        var request: TaskRequest? { job?.request ?? ownRequest }
    }

    private let origin: Origin
    private var effects: ArraySlice<Effect>
    /// Whether the effects stand in for others, of which the first was refused again and again.
    private var isReplaced = false
    /// Whether nobody is told once nothing is left to do.
    private var isQuiet = false
    /// Whether the task may have ended before its message was parked, because another copy of the message was run. The
    /// outcome that its caller got then stands.
    private(set) var mayBeAnswered = false
    /// Whether the task has an outcome, so that the plan stores none.
    private var isAnswered = false
    /// Whether the store does not take the outcome.
    private var isRefused = false
    /// How the message is parked once its caller is told, or was before; nil for a plan that parks none.
    private var parking: MessageFault?
    /// When the error callbacks are called, if the plan tells first.
    private(set) var calls = Calls.afterParking
    /// The queue of the message, if the plan parks one of which no request is known.
    private var queue: String?
    /// Whether the plan tells the caller before it parks the message.
    private(set) var tellsFirst = false
    /// Since when the plan has waited for the store's answer to what it could not tell first; nil if it has told, or not
    /// tried.
    private(set) var askedSince: Date?
    /// Whether the plan parks the message before it tells the caller, because the store is out of reach.
    private(set) var overtakesStore = false
    /// Whether the plan is one of those that tell callers of messages parked before, and take no place in the window.
    private(set) var isAside = false
    /// Whether the plan tells the caller of a message that is parked already.
    private(set) var isOfParked = false
    /// Whether the worker holds one message less once the plan is done.
    private(set) var endsJob: Bool

    /// Makes a plan whose effects end a job's message, whichever delivery of it is the latest by then.
    ///
    /// - Parameters:
    ///   - job: the job that the effects end.
    ///   - context: the context in which the dialect made the effects; a chord that they complete needs it.
    ///   - effects: the effects, in order.
    ///   - onEnd: called once nothing is left to do.
    init(ending job: Job, context: EffectContext? = nil, effects: [Effect], onEnd: (@Sendable () -> Void)? = nil) {
        self.origin = Origin(
            receipt: nil, job: job, taskID: job.request.id, request: nil, context: context, onEnd: onEnd)
        self.endsJob = true
        self.effects = effects[...]
    }

    /// Makes a plan whose effects end no job.
    ///
    /// - Parameters:
    ///   - receipt: the delivery that the effects end; nil for effects that end none (`STARTED`, or a message that was
    ///     acknowledged early).
    ///   - taskID: the task's id, for logs.
    ///   - endsJob: whether the worker holds one message less once the plan is done.
    ///   - request: the request from which the effects follow, if there is one.
    ///   - context: the context in which the dialect made the effects; a chord that they complete needs it.
    ///   - effects: the effects, in order.
    ///   - onEnd: called once nothing is left to do.
    init(
        receipt: Receipt?, taskID: String, endsJob: Bool, request: TaskRequest? = nil, context: EffectContext? = nil,
        effects: [Effect], onEnd: (@Sendable () -> Void)? = nil
    ) {
        self.origin = Origin(
            receipt: receipt, job: nil, taskID: taskID, request: request, context: context, onEnd: onEnd)
        self.endsJob = endsJob
        self.effects = effects[...]
    }

    /// The delivery that the effects end; nil if they end none.
    var receipt: Receipt? { origin.receipt ?? origin.job?.receipt }
    /// The job that the effects end, if they end one.
    var job: Job? { origin.job }
    var taskID: String { origin.taskID }
    /// The request from which the effects follow, if there is one.
    var request: TaskRequest? { origin.request }
    /// The context in which the dialect made the effects.
    var context: EffectContext? { origin.context }
    /// Called once nothing is left to do.
    var onEnd: (@Sendable () -> Void)? { isQuiet ? nil : origin.onEnd }

    /// Whether the effects follow from the outcome of a task.
    var isOutcome: Bool { origin.hasRequest }

    /// Whether the effects follow from the outcome of a task whose message was acknowledged when it began.
    var isOfAcknowledged: Bool { !endsJob && isOutcome && !isOfParked && receipt == nil }

    /// The effect to carry out next.
    var first: Effect? { effects.first }

    /// The lane of the effect whose turn it is; nil for a pause, and once nothing is left. It is asked for each plan again
    /// and again, so it looks at the effect where it is.
    var kind: EffectPipeline.Kind? {
        guard !effects.isEmpty else { return nil }
        return switch effects[effects.startIndex] {
        case .publish: .publish
        case .store: tellsFirst ? .tell : .store
        case .chord: tellsFirst ? .tell : .count
        case .call: .call
        case .settle: .settle
        case .giveBack: .giveBack
        case .pause: nil
        }
    }

    /// The messages to publish next; none if the next effect is another.
    var messages: [OutgoingMessage] {
        guard case .publish(let messages)? = effects.first else { return [] }
        return messages
    }

    /// Leaves only these messages to be published.
    mutating func leave(_ messages: [OutgoingMessage]) {
        effects = [.publish(messages)] + effects.dropFirst()
    }

    /// The state to store next; nil if the next effect is another, or if the task has an outcome already.
    var recordToStore: ResultRecord? {
        guard case .store(let record)? = effects.first, !isAnswered || record.taskID != taskID else { return nil }
        return record
    }

    /// Removes the first effect, which is done, and puts `next` before the rest.
    mutating func advance(inserting next: [Effect] = []) {
        effects = effects.dropFirst()
        if !next.isEmpty { effects = next + effects }
    }

    /// Returns the plan without its first effect, which is done, and with `next` before the rest.
    func advanced(inserting next: [Effect] = []) -> Plan {
        var plan = self
        plan.advance(inserting: next)
        return plan
    }

    /// Returns the plan, which no longer counts among the messages that the worker holds.
    func keptAside() -> Plan {
        var plan = self
        plan.endsJob = false
        return plan
    }

    /// Returns the plan, which counts among the messages that the worker holds.
    func takingPlace() -> Plan {
        var plan = self
        plan.endsJob = true
        return plan
    }

    /// Whether the plan has yet to store the outcome of the task, or to count it.
    var tellsOutcome: Bool {
        effects.contains { effect in
            switch effect {
            case .chord(.close): false
            case .store, .chord: true
            case .publish, .call, .settle, .giveBack, .pause: false
            }
        }
    }

    /// Whether the outcome of the task is stored, and only what follows from it is left.
    var hasStoredOutcome: Bool {
        context?.storesResult == true
            && !effects.contains { if case .store(let record) = $0 { record.taskID == taskID } else { false } }
    }

    /// The effects after the next one, except for the end of the delivery.
    var unsettledRest: [Effect] {
        effects.dropFirst().filter { if case .settle = $0 { false } else { true } }
    }

    /// Whether the plan has yet to call an error callback of the worker.
    var callsAny: Bool {
        effects.contains { if case .call = $0 { true } else { false } }
    }

    /// Whether something follows the next effect.
    var goesOn: Bool { effects.count > 1 }

    /// Returns the plan with nothing left to do. What followed its next effect is left to another plan, or to nobody.
    func ended() -> Plan {
        var plan = self
        plan.isQuiet = isQuiet || goesOn
        plan.effects = []
        return plan
    }

    // MARK: Parking

    /// Whether the plan parks a message and has somebody to tell of it.
    var parksAndTells: Bool {
        guard goesOn, receipt != nil, case .settle(.park)? = effects.first else { return false }
        return true
    }

    /// Returns the plan, whose next effect parks the message, with that effect at its end.
    func tellingFirst() -> Plan {
        guard case .settle(.park(var fault))? = effects.first else { return self }
        var plan = self
        // It is by the time at which the message is parked.
        fault.failureIsStored = context?.storesResult == true ? true : nil
        plan.parking = fault
        plan.tellsFirst = true
        plan.mayBeAnswered = true
        plan.effects = effects.dropFirst() + [.settle(.park(fault))]
        return plan
    }

    /// Returns the plan, which parks a message of this queue.
    func parking(in queue: String) -> Plan {
        var plan = self
        plan.queue = queue
        return plan
    }

    /// What a log says of the message that the next effect parks; nil if that is another effect.
    var parkedMessage: Logger.Metadata? {
        guard case .settle(.park(let fault))? = effects.first else { return nil }
        var metadata: Logger.Metadata = ["reason": "\(fault.reason)", "detail": "\(fault.detail)"]
        if let queue = request?.queue ?? queue { metadata["queue"] = "\(queue)" }
        if !taskID.isEmpty { metadata["task-id"] = "\(taskID)" }
        if let request { metadata["task"] = "\(request.name)" }
        if let isStored = fault.failureIsStored { metadata["failure"] = isStored ? "stored" : "not stored yet" }
        return metadata
    }

    /// The queue of the message that the next effect parks, and why; nil if that is another effect.
    var parkedOrigin: (queue: String, reason: String)? {
        guard case .settle(.park(let fault))? = effects.first else { return nil }
        return (request?.queue ?? queue ?? "", fault.reason)
    }

    /// Returns the plan with error callbacks called then.
    func calling(_ calls: Calls) -> Plan {
        var plan = self
        plan.calls = calls
        return plan
    }

    /// Whether the store knows by now that the task has failed; nil if it need not.
    private var failureIsStored: Bool? {
        context?.storesResult == true ? isAnswered || hasStoredOutcome && !isRefused : nil
    }

    /// Returns the plan with what parks the message first, although the store does not know of the failure.
    ///
    /// - Parameter since: since when the store has been asked; nil if it has not been.
    /// - Returns: the plan.
    func overtakingStore(askedSince since: Date? = nil) -> Plan {
        var fault = parking
        if fault == nil, case .settle(.park(let first))? = effects.first { fault = first }
        guard var fault else { return self }
        fault.failureIsStored = failureIsStored
        var plan = self
        plan.parking = fault
        plan.tellsFirst = false
        plan.overtakesStore = true
        plan.askedSince = since
        plan.effects = [.settle(.park(fault))] + effects.filter { if case .settle = $0 { false } else { true } }
        return plan
    }

    /// What follows the next effect, which parks the message, as a plan that holds no message.
    ///
    /// - Parameter isAside: whether the plan takes no place in the worker's window.
    /// - Returns: the plan.
    func afterParking(isAside: Bool) -> Plan {
        var plan = Plan(
            receipt: nil, taskID: taskID, endsJob: endsJob && !isAside, request: request, context: context,
            effects: Array(effects.dropFirst()), onEnd: onEnd)
        plan.isAside = isAside
        plan.isQuiet = isQuiet
        plan.askedSince = askedSince
        return plan.ofParked()
    }

    /// Returns the plan, which tells the caller of a message that is parked already.
    func ofParked() -> Plan {
        var plan = self
        plan.mayBeAnswered = true
        plan.isOfParked = true
        return plan
    }

    /// Notes whether the task has ended, as far as the store knows.
    ///
    /// - Parameter rest: what is left to do after the outcome that the store has; nil if it has none.
    mutating func note(answered rest: [Effect]?) {
        mayBeAnswered = false
        guard let rest else { return }
        isAnswered = true
        isQuiet = true
        let end = tellsFirst ? parking.map { [Effect.settle(.park($0))] } ?? [] : []
        effects = effects.prefix(1) + rest + end
    }

    /// Whether the task of the plan fails already, so that what is refused is left out, and the rest goes on.
    var isOfFailure: Bool { isReplaced || tellsFirst }

    /// Gives up on the rest, and `instead` takes its place. A message that is to be parked is parked after that. Where
    /// ``isOfFailure`` says so, `instead` stands in for the next effect alone: others wait for the rest.
    mutating func replaceRest(with disposition: Settlement.Disposition, after instead: [Effect] = []) {
        if tellsFirst {
            // The task fails already, and its message is parked for the reason that it has.
            if case .park = disposition, var fault = parking {
                // Only what was refused is left out: others wait for the rest.
                if case .store(let record)? = effects.first, record.taskID == taskID { isRefused = true }
                effects = instead + effects.dropFirst().filter { if case .settle = $0 { false } else { true } }
                fault.failureIsStored = failureIsStored
                effects.append(.settle(.park(fault)))
            } else {
                effects = [.settle(disposition)]
                isQuiet = true
            }
            return
        }
        if isReplaced, case .park = disposition {
            effects = instead + effects.dropFirst()
            return
        }
        effects = (isReplaced ? [] : instead) + (receipt == nil ? [] : [.settle(disposition)])
        isReplaced = true
    }
}
