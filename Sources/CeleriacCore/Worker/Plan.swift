/// The effects of one outcome that are still to be carried out, in their order.
struct Plan: Sendable {
    /// The delivery that they end, or nil for effects on the way (a state of its own, `STARTED`).
    let receipt: Receipt?
    let taskID: String
    /// Whether the worker holds one message less once the plan is done.
    private(set) var endsJob: Bool
    /// The request that the effects follow from, where there is one.
    let request: TaskRequest?
    /// Called once nothing is left to do.
    let onEnd: (@Sendable () -> Void)?
    private var effects: ArraySlice<Effect>
    private var isReplaced = false

    init(
        receipt: Receipt?, taskID: String, endsJob: Bool, request: TaskRequest? = nil, effects: [Effect],
        onEnd: (@Sendable () -> Void)? = nil
    ) {
        self.receipt = receipt
        self.request = request
        self.taskID = taskID
        self.endsJob = endsJob
        self.onEnd = onEnd
        self.effects = effects[...]
    }

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

    /// The effect whose turn it was is done, and these are to be done before the rest.
    mutating func advance(inserting next: [Effect] = []) {
        effects = effects.dropFirst()
        if !next.isEmpty { effects = next + effects }
    }

    /// The plan, no longer counted among what the worker holds.
    func keptAside() -> Plan {
        var plan = self
        plan.endsJob = false
        return plan
    }

    /// Whether what came of the task is still to be told.
    var tellsOutcome: Bool {
        effects.contains { effect in
            switch effect {
            case .store, .chord: true
            case .publish, .call, .settle, .pause: false
            }
        }
    }

    /// Nothing of the rest can be done: the message is kept aside, or given back, after something else is done instead,
    /// unless that is what cannot be done.
    mutating func replaceRest(with disposition: Settlement.Disposition, after instead: [Effect] = []) {
        effects = (isReplaced ? [] : instead) + (receipt == nil ? [] : [.settle(disposition)])
        isReplaced = true
    }
}
