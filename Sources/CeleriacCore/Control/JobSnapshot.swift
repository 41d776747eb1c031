public import struct FoundationEssentials.Date

/// A task that a worker holds, at the moment of asking.
public struct JobSnapshot: Sendable {
    /// Where a task is on its way through the worker.
    public enum Phase: Sendable, Hashable {
        /// Its handler runs.
        case active
        /// It waits for a free place, or for its turn under a rate limit.
        case reserved
        /// It waits for its time.
        case scheduled
    }

    /// The request.
    public let request: TaskRequest
    /// Where it is.
    public let phase: Phase
    /// When its handler began; nil if it has not.
    public let startTime: Date?
    /// Whether its message is acknowledged already.
    public let isAcknowledged: Bool

    init(_ job: Job, _ phase: Phase) {
        request = job.request
        self.phase = phase
        startTime = job.startTime
        isAcknowledged = job.isAcknowledged
    }
}
