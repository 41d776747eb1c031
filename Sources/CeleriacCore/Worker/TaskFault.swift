/// Something that goes wrong with a task in the worker rather than in the task system.
///
/// The runtime says what happened; a dialect turns it into the ``TaskFailure`` by which its task system names it.
package enum TaskFault: Sendable {
    /// The handler threw an error, which may already be a ``TaskFailure`` or a ``RemoteTaskError``.
    case thrown(any Error, task: String, id: String)
    /// The soft time limit passed, and the handler ended because its task was cancelled.
    case softTimeLimit
    /// The handler asked for a retry when none was left, and gave no cause.
    case retriesExhausted(task: String, id: String, retries: Int)
    /// The handler asked for a retry after this delay and gave no cause.
    case retryWithoutCause(delay: Duration)
    /// A handler asked to run another task, and the worker has no task of that name.
    case notRegistered(name: String)
    /// The arguments do not fit the task. The text says why.
    case badCall(String)
    /// The dialect could not encode the task's outcome.
    case notEncodable(CeleriacError)
    /// The task was begun this often, and each time its worker ended before the task did.
    case attemptsExhausted(Int)
    /// The worker's stop cancelled the handler, and the message was acknowledged before that began.
    case interrupted
    /// The message says whose task it is, and cannot be run.
    case unrunnable(MessageFault)
    /// The broker or the result store refused again and again what follows from the task.
    case followUpRefused(any Error)
}
