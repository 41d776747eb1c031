public import FoundationEssentials

extension LocalDateTime {
    /// The date and time in UTC of an instant, rounded to the microsecond; `nil` outside the years 1 to 9999.
    public init?(utc instant: Date) {
        let microseconds = (instant.timeIntervalSince1970 * 1_000_000).rounded()
        guard let total = Int(exactly: microseconds) else { return nil }
        let (day, rest) = total.flooringQuotientAndRemainder(dividingBy: 86_400_000_000)
        guard let date = LocalDate(daysSince1970: day) else { return nil }
        self.init(date: date, time: LocalTime(microsecondsOfDay: rest))
    }

    /// The instant that has this date and time at an offset from UTC, in microseconds.
    public func instant(utcOffset: Int = 0) -> Date {
        let microseconds = date.daysSince1970 * 86_400_000_000 + time.microsecondsOfDay &- utcOffset
        let (seconds, rest) = microseconds.flooringQuotientAndRemainder(dividingBy: 1_000_000)
        return Date(timeIntervalSince1970: Double(seconds) + Double(rest) / 1_000_000)
    }
}

extension Int {
    /// The quotient rounded down, and the remainder, which is never negative for a positive divisor.
    fileprivate func flooringQuotientAndRemainder(dividingBy divisor: Int) -> (quotient: Int, remainder: Int) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
