public import CeleriacWire

public import struct FoundationEssentials.Date

/// Decides when a task that is sent again and again should run.
///
/// Implement it to bring a schedule of your own. A schedule is a pure value without a clock: it does no I/O, returns at
/// once and gives the same answer to the same question. A beat may ask in any order and from any task, so nothing has
/// to be ordered, cancelled or closed. A schedule cannot throw: it reports an invalid setting from its initialiser.
public protocol Schedule: Sendable, CustomStringConvertible {
    /// Returns the first instant after the last run at which the task should run again.
    ///
    /// - Parameter lastRun: when the task ran last, or when the beat first saw its entry.
    /// - Returns: an instant after `lastRun`; nil if the task never runs again. A beat takes an instant that is not
    ///   after `lastRun` as nil.
    func next(after lastRun: Date) -> Date?

    /// Whether the beat skips a run that is later than ``BeatConfiguration/startingDeadline``, Celery's
    /// `beat_cron_starting_deadline`. In Celery that applies to crontabs only.
    var hasStartingDeadline: Bool { get }
}

extension Schedule {
    /// False.
    public var hasStartingDeadline: Bool { false }
}

extension CalendarZone {
    /// Reads a zone by its name in the IANA database.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` if the system has no such zone or its file is damaged.
    public init(_ name: String) throws(CeleriacError) {
        do {
            self = try CalendarZone.named(name)
        } catch {
            let message =
                switch error {
                case .invalidName: "'\(name)' is not the name of a time zone: use one such as Europe/Berlin"
                case .damaged: "the file of the time zone \(name) cannot be read"
                case .unknown:
                    "the system knows no time zone '\(name)': check the name, and that its zone data are installed (tzdata)"
                }
            throw CeleriacError(.configuration, message)
        }
    }
}
