/// What happens to a task at a worker.
public enum WorkerEvent: Sendable {
    /// Its message was read and it is going to be run, now or at its time. Not told of one that is revoked, expired or
    /// unregistered when it comes.
    case received(TaskRequest)
    /// Its handler begins.
    case started(TaskRequest)
    /// It ended: its result is stored and its message settled. The run's duration is nil where no handler had begun.
    case ended(TaskRequest, Outcome, runtime: Duration?)
}
