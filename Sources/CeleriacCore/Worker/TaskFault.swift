/// Something that goes wrong with a task in the worker rather than in the task system.
///
/// The runtime says what happened; a dialect turns it into the ``TaskFailure`` that its task system has for it.
package enum TaskFault: Sendable {
    /// The handler threw an error. It may be a ``TaskFailure`` or a ``RemoteTaskError`` already.
    case thrown(any Error, task: String, id: String)
    /// The soft time limit passed, and the handler gave way.
    case softTimeLimit
    /// The handler asked for one retry more than there may be, and gave no cause.
    case retriesExhausted(task: String, id: String, retries: Int)
    /// The handler asked for a retry after this delay and gave no cause.
    case retryWithoutCause(delay: Duration)
    /// A handler wanted to run another task, and the worker has none of that name.
    case notRegistered(name: String)
    /// The arguments do not fit the task. The text says why.
    case badCall(String)
    /// The dialect could not encode the task's outcome.
    case notEncodable(CeleriacError)
    /// The broker or the result store refused what follows from the task time and again.
    case followUpRefused(any Error)
}
