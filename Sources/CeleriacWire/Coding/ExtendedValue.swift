public import FoundationEssentials

/// A value that Swift and Python have and JSON lacks. How it stands on the wire is a matter of the dialect.
public enum ExtendedValue: Sendable, Hashable {
    /// A point in time; Python's aware `datetime`.
    case instant(Date)
    /// A date and time without a zone; Python's naive `datetime`.
    case localDateTime(LocalDateTime)
    /// A date; Python's `date`.
    case localDate(LocalDate)
    /// A time of day; Python's naive `time`.
    case localTime(LocalTime)
    /// A decimal number; Python's `Decimal`.
    case decimal(Decimal)
    /// A UUID; Python's `uuid.UUID`.
    case uuid(UUID)
    /// Raw bytes; Python's `bytes`.
    case bytes([UInt8])

    /// The kinds of extended value.
    public enum Kind: Sendable, Hashable, CaseIterable {
        /// A point in time.
        case instant
        /// A date and time without a zone.
        case localDateTime
        /// A date.
        case localDate
        /// A time of day.
        case localTime
        /// A decimal number.
        case decimal
        /// A UUID.
        case uuid
        /// Raw bytes.
        case bytes
    }

    /// The kind of this value.
    public var kind: Kind {
        switch self {
        case .instant: .instant
        case .localDateTime: .localDateTime
        case .localDate: .localDate
        case .localTime: .localTime
        case .decimal: .decimal
        case .uuid: .uuid
        case .bytes: .bytes
        }
    }
}
