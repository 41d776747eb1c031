import struct FoundationEssentials.Date

/// What is remembered of an entry.
struct BeatRecord: Sendable, Hashable {
    /// The instant up to which its runs were sent, or when it was first heard of.
    var lastRun: Date
    /// How many runs were sent: Celery's `total_run_count`.
    var count: Int
}
