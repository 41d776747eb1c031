public import struct FoundationEssentials.Date

/// When the clocks of a zone show a time.
public enum ZoneOccurrence: Sendable, Hashable {
    /// At this instant.
    case once(Date)
    /// At both of these: clocks were put back in between, and the time came again.
    case twice(Date, Date)
    /// At none: clocks were put forward over it. The replacement is the instant at which they would have shown it had
    /// they not been changed.
    case never(replacement: Date)
}
