package import CeleriacWire

package import struct FoundationEssentials.Date

/// How a request ended at this worker. A dialect turns it into effects.
package enum Outcome: Sendable {
    /// The handler returned a value.
    case success(WireValue)
    /// The handler threw, or its arguments did not fit.
    case failure(TaskFailure)
    /// The task is sent again, to be run at `eta`; `cause` made it fail this time. Arguments other than nil replace the
    /// task's own.
    case retry(eta: Date, cause: TaskFailure, arguments: [WireValue]? = nil, keywordArguments: WireObject? = nil)
    /// Its time had passed before it could be run.
    case expired
    /// It was withdrawn, before or while it ran.
    case revoked(Revocation)
    /// Its hard time limit, in seconds, passed.
    case timedOut(limit: Double)
    /// No handler is registered under its name.
    case unregistered
    /// The handler put something else in its place, which takes over its id.
    case replaced(Replacement)
    /// The handler asked for nothing to be stored.
    case ignored
    /// The message was lost with its connection while the handler ran, which was cancelled: the task runs again where the
    /// broker delivers the message.
    case cancelled
    /// The handler refused the message itself.
    case rejected(requeue: Bool)
}

extension Outcome {
    /// The outcome that a store has; nil if the task has not ended.
    init?(_ result: TaskResult) {
        switch result.state {
        case .success: self = .success(result.value)
        case .failure: self = .failure(result.error?.failure ?? TaskFailure(type: "", arguments: []))
        case .revoked: self = .revoked(.revoked)
        default: return nil
        }
    }

    /// The state in which the task has ended; nil if it is sent again, if something takes its place, or if no state is
    /// stored.
    package var finalState: TaskState? {
        switch self {
        case .success: .success
        case .failure, .timedOut, .unregistered, .rejected(requeue: false): .failure
        case .expired, .revoked: .revoked
        case .retry, .replaced, .ignored, .cancelled, .rejected: nil
        }
    }
}

/// What takes the place of a task that ran.
package struct Replacement: Sendable {
    package let submission: Submission

    package init(_ submission: Submission) { self.submission = submission }
}
