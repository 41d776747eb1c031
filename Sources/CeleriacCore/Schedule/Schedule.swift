public import struct FoundationEssentials.Date

/// When something that comes again and again is to run.
///
/// A schedule is a pure value: it knows no clock. Implement it to bring one of your own.
public protocol Schedule: Sendable, CustomStringConvertible {
    /// The first instant after the last run at which it is to run again.
    ///
    /// - Parameter lastRun: when it ran last, or when it was first heard of.
    /// - Returns: an instant after `lastRun`; nil when there is none any more.
    func next(after lastRun: Date) -> Date?

    /// Whether a run that is late by more than Celery's `beat_cron_starting_deadline` is left out. In Celery this is so
    /// for crontabs only.
    var hasStartingDeadline: Bool { get }
}

extension Schedule {
    /// False.
    public var hasStartingDeadline: Bool { false }
}
