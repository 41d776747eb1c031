public import struct FoundationEssentials.Date

/// A point in time as Go's `time.Time` stands in JSON: RFC 3339 with up to nine digits of a second and an offset.
public struct GoTime: Sendable, Hashable {
    /// Seconds since 1970, in UTC.
    public var seconds: Int64
    /// Billionths of a second after that, 0 to 999,999,999.
    public var nanoseconds: Int32
    /// The offset from UTC with which the time is written, in minutes.
    public var offset: Int32

    /// Makes a time.
    public init(seconds: Int64, nanoseconds: Int32 = 0, offset: Int32 = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
        self.offset = offset
    }

    /// Go's zero time, `0001-01-01T00:00:00Z`: a time that was never set.
    public static let zero = GoTime(seconds: -62_135_596_800)

    /// Whether this is Go's zero time.
    public var isZero: Bool { seconds == Self.zero.seconds && nanoseconds == 0 }
}

extension GoTime {
    /// Makes a time in UTC of a date; what is outside the years 1 to 9999 becomes the nearest time inside them.
    public init(_ date: Date) {
        let time = min(max(date.timeIntervalSince1970, -62_135_596_800), 253_402_300_799)
        let whole = time.rounded(.down)
        let fraction = ((time - whole) * 1e9).rounded(.down)
        self.init(seconds: Int64(whole), nanoseconds: Int32(min(fraction, 999_999_999)))
    }

    /// The time as a date, to about a tenth of a microsecond.
    public var date: Date { Date(timeIntervalSince1970: Double(seconds) + Double(nanoseconds) / 1e9) }

    /// Billionths of a second since 1970, or the nearest number of them that 64 bits hold.
    public var unixNanoseconds: Int64 {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carry) = product.addingReportingOverflow(Int64(nanoseconds))
        return carry ? .max : sum
    }
}
