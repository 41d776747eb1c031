import struct FoundationEssentials.Date

/// What a worker keeps of a task that waits for its time while the broker keeps the message. A worker may have a million of
/// them, so it is a few numbers, none with memory of its own.
struct KeptTask: Sendable, Comparable {
    /// When the task may begin, in seconds since 1970; less if the worker is to look at it earlier.
    var time: Double
    let receipt: Receipt
    /// By what a revocation finds the task. Two tasks may share it.
    let idHash: Int
    /// How many bytes the body of the message has.
    let size: UInt32
    /// Whether a revocation by stamps may mean the task.
    let hasStamps: Bool

    init(_ job: Job) {
        time = job.request.eta?.timeIntervalSince1970 ?? 0
        receipt = job.receipt
        idHash = Self.hash(job.request.id)
        size = UInt32(clamping: job.bodySize)
        hasStamps = !job.request.stamps.isEmpty
    }

    /// The hash of a task's id.
    static func hash(_ id: String) -> Int { id.hashValue }

    /// Earlier ones first; of those with the same time, those that came first.
    static func < (left: KeptTask, right: KeptTask) -> Bool {
        left.time != right.time ? left.time < right.time : left.receipt.tag < right.receipt.tag
    }
}
