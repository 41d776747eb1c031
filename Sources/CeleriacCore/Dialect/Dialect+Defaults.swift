public import struct FoundationEssentials.Date

extension Dialect {
    /// A random UUID in lower case.
    public func newTaskID() -> String { randomUUID() }

    /// Nothing is stored before a task is sent.
    public func record(before submission: TaskSubmission, now: Date, expiry: Duration?) throws(CeleriacError)
        -> ResultRecord?
    { nil }

    /// None.
    public var trackedStates: Set<TaskState> { [] }
}
