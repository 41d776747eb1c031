/// The effects of one outcome that are still to be carried out, in their order.
struct Plan: Sendable {
    /// What the effects follow from. It never changes, and plans wander from lane to lane: so they share it.
    private final class Origin: Sendable {
        let receipt: Receipt?
        let taskID: String
        let request: TaskRequest?
        let context: EffectContext?
        let onEnd: (@Sendable () -> Void)?

        init(
            receipt: Receipt?, taskID: String, request: TaskRequest?, context: EffectContext?,
            onEnd: (@Sendable () -> Void)?
        ) {
            self.receipt = receipt
            self.taskID = taskID
            self.request = request
            self.context = context
            self.onEnd = onEnd
        }
    }

    private let origin: Origin
    private var effects: ArraySlice<Effect>
    private var isReplaced = false
    /// Whether the worker holds one message less once the plan is done.
    private(set) var endsJob: Bool

    /// Makes a plan.
    ///
    /// - Parameters:
    ///   - receipt: the delivery that the effects end; nil for effects on the way (a state of its own, `STARTED`).
    ///   - endsJob: whether the worker holds one message less once the plan is done.
    ///   - request: the request that the effects follow from, where there is one.
    ///   - context: the context in which the dialect made the effects; a chord that they complete needs it.
    ///   - onEnd: called once nothing is left to do.
    init(
        receipt: Receipt?, taskID: String, endsJob: Bool, request: TaskRequest? = nil, context: EffectContext? = nil,
        effects: [Effect], onEnd: (@Sendable () -> Void)? = nil
    ) {
        self.origin = Origin(receipt: receipt, taskID: taskID, request: request, context: context, onEnd: onEnd)
        self.endsJob = endsJob
        self.effects = effects[...]
    }

    /// The delivery that the effects end; nil for effects on the way.
    var receipt: Receipt? { origin.receipt }
    var taskID: String { origin.taskID }
    /// The request that the effects follow from, where there is one.
    var request: TaskRequest? { origin.request }
    /// The context in which the dialect made the effects.
    var context: EffectContext? { origin.context }
    /// Called once nothing is left to do.
    var onEnd: (@Sendable () -> Void)? { origin.onEnd }

    /// The effect whose turn it is.
    var first: Effect? { effects.first }

    /// What is to be published now.
    var messages: [OutgoingMessage] {
        guard case .publish(let messages)? = effects.first else { return [] }
        return messages
    }

    /// Only these messages are still to be published.
    mutating func leave(_ messages: [OutgoingMessage]) {
        effects = [.publish(messages)] + effects.dropFirst()
    }

    /// The effect whose turn it was is done, and `next` is done before the rest.
    mutating func advance(inserting next: [Effect] = []) {
        effects = effects.dropFirst()
        if !next.isEmpty { effects = next + effects }
    }

    /// The plan with the effect whose turn it was done.
    func advanced() -> Plan {
        var plan = self
        plan.advance()
        return plan
    }

    /// The plan, no longer counted among what the worker holds.
    func keptAside() -> Plan {
        var plan = self
        plan.endsJob = false
        return plan
    }

    /// Whether the outcome of the task is still to be told.
    var tellsOutcome: Bool {
        effects.contains { effect in
            switch effect {
            case .store, .chord: true
            case .publish, .call, .settle, .pause: false
            }
        }
    }

    /// Gives up on the rest: the message is parked or given back, after `instead` is done, unless that is what cannot be
    /// done.
    mutating func replaceRest(with disposition: Settlement.Disposition, after instead: [Effect] = []) {
        effects = (isReplaced ? [] : instead) + (receipt == nil ? [] : [.settle(disposition)])
        isReplaced = true
    }
}
