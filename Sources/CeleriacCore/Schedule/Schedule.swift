public import CeleriacWire

public import struct FoundationEssentials.Date

/// When something that comes again and again is to run.
///
/// A schedule is a pure value: it knows no clock. Implement it to bring one of your own.
public protocol Schedule: Sendable, CustomStringConvertible {
    /// The first instant after the last run at which it is to run again.
    ///
    /// - Parameter lastRun: when it ran last, or when it was first heard of.
    /// - Returns: an instant after `lastRun`; nil if it never runs again.
    func next(after lastRun: Date) -> Date?

    /// Whether Celery's `beat_cron_starting_deadline` applies: a run that is late by more than that is left out. In Celery
    /// it applies to crontabs only.
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
