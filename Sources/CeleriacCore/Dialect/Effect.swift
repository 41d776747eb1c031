public import CeleriacWire

/// One step of what follows from an outcome. A dialect returns the steps in the order in which its task system takes
/// them; the worker carries them out in that order and adds none.
package enum Effect: Sendable, Equatable {
    /// Publish messages: callbacks, the next task of a chain, a retry.
    case publish([OutgoingMessage])
    /// Store a state.
    case store(ResultRecord)
    /// Advance a chord. If that completes it, the worker carries out next what follows from the completion.
    case chord(ChordOperation)
    /// Call an error callback in this worker.
    case call(ErrorCall)
    /// End the delivery at the broker. The worker skips this if the message was acknowledged early.
    case settle(Settlement.Disposition)
    /// Give the delivery back untried, for a worker that can run it: to the front of its queue, or behind all others.
    case giveBack(toEnd: Bool = false)
    /// Wait before the next effect, at most for this duration: a stop ends the pause. The worker takes other messages
    /// meanwhile.
    case pause(Duration)
}

extension [Effect] {
    /// What comes before the step that stores a task's state, and what comes after it. A stored state says that the former
    /// was done, and nothing about the latter.
    ///
    /// - Parameter id: the task's id.
    /// - Returns: both parts; all is after it if no step stores a state.
    package func parted(atStateOf id: String) -> (before: ArraySlice<Effect>, after: ArraySlice<Effect>) {
        let place = firstIndex { effect in
            if case .store(let record) = effect { record.taskID == id } else { false }
        }
        guard let place else { return ([], self[...]) }
        return (self[..<place], self[(place + 1)...])
    }
}

/// A call of an error callback in this worker. The callback gets the request and the failure themselves, not a message.
public struct ErrorCall: Sendable, Hashable {
    /// The name under which the callback is registered.
    public var name: String
    /// The id of what failed: the request's own, or that of a task that never ran because of it.
    public var failedID: String
    /// The arguments after the request and the failure.
    public var arguments: [WireValue]
    /// The keyword arguments.
    public var keywordArguments: WireObject
    /// What failed.
    public var failure: TaskFailure

    /// Makes a call.
    public init(
        name: String, failedID: String, arguments: [WireValue], keywordArguments: WireObject, failure: TaskFailure
    ) {
        self.name = name
        self.failedID = failedID
        self.arguments = arguments
        self.keywordArguments = keywordArguments
        self.failure = failure
    }
}
