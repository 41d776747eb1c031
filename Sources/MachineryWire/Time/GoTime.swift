import CeleriacWire

public import struct FoundationEssentials.Date

/// A point in time as Go writes a `time.Time` into JSON: RFC 3339 with up to nine digits of a second and an offset.
public struct GoTime: Sendable, Hashable {
    /// Seconds since 1970, in UTC.
    public var seconds: Int64
    /// Nanoseconds after that, 0 to 999,999,999.
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
    /// Makes a time in UTC from a date, limited to the years 1 to 9999.
    public init(_ date: Date) {
        let time = min(max(date.timeIntervalSince1970, -62_135_596_800), 253_402_300_799)
        let whole = time.rounded(.down)
        let fraction = ((time - whole) * 1e9).rounded(.down)
        // A date may be NaN.
        self.init(seconds: Int64(exactly: whole) ?? 0, nanoseconds: Int32(exactly: min(fraction, 999_999_999)) ?? 0)
    }

    /// The time as a date, exact to about a tenth of a microsecond.
    public var date: Date { Date(timeIntervalSince1970: Double(seconds) + Double(nanoseconds) / 1e9) }

    /// Nanoseconds since 1970, limited to what 64 bits hold.
    public var unixNanoseconds: Int64 {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carry) = product.addingReportingOverflow(Int64(nanoseconds))
        return carry ? .max : sum
    }
}

extension GoTime: LosslessStringConvertible {
    /// Reads RFC 3339 as Go does; nil for text that Go refuses.
    public init?(_ text: String) {
        var reader = Reader(rest: Array(text.utf8)[...])
        guard let year = reader.number(digits: 4), reader.take("-"), let month = reader.number(digits: 2),
            reader.take("-"), let day = reader.number(digits: 2), reader.take("T"),
            let hour = reader.number(digits: 2), reader.take(":"), let minute = reader.number(digits: 2),
            reader.take(":"), let second = reader.number(digits: 2),
            1...12 ~= month, day >= 1, day <= CivilDate.days(inMonth: month, of: year), hour <= 23, minute <= 59,
            second <= 59,
            let nanoseconds = reader.fraction(), let offset = reader.offset(), reader.rest.isEmpty
        else { return nil }
        let days = CivilDate.daysSince1970(year: year, month: month, day: day)
        let seconds = Int64(days) * 86_400 + Int64(hour * 3600 + minute * 60 + second) - Int64(offset) * 60
        self.init(seconds: seconds, nanoseconds: nanoseconds, offset: offset)
    }

    /// RFC 3339 with as many digits of a second as are needed, none for a whole second; `Z` for UTC.
    public var description: String {
        let local = seconds &+ Int64(offset) * 60
        let (days, rest) = Int(local).flooringQuotientAndRemainder(dividingBy: 86_400)
        let (year, month, day) = CivilDate.of(daysSince1970: days)
        var text =
            Self.padded(year, 4) + "-" + Self.padded(month, 2) + "-" + Self.padded(day, 2) + "T"
            + Self.padded(rest / 3600, 2) + ":" + Self.padded(rest / 60 % 60, 2) + ":" + Self.padded(rest % 60, 2)
        if nanoseconds != 0 {
            var digits = Self.padded(Int(nanoseconds), 9)
            while digits.last == "0" { digits.removeLast() }
            text += "." + digits
        }
        if offset == 0 { return text + "Z" }
        let magnitude = Int(offset.magnitude)
        return text + (offset < 0 ? "-" : "+") + Self.padded(magnitude / 60, 2) + ":" + Self.padded(magnitude % 60, 2)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    // MARK: Reading

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest = rest.dropFirst()
            return true
        }

        private mutating func digit() -> Int? {
            guard let byte = rest.first, case let digit = byte &- UInt8(ascii: "0"), digit <= 9 else { return nil }
            rest = rest.dropFirst()
            return Int(digit)
        }

        mutating func number(digits: Int) -> Int? {
            var value = 0
            for _ in 0..<digits {
                guard let digit = digit() else { return nil }
                value = value * 10 + digit
            }
            return value
        }

        /// Nanoseconds from the digits after a point, of which Go reads nine; 0 without a point.
        mutating func fraction() -> Int32? {
            guard rest.first == UInt8(ascii: ".") else { return 0 }
            rest = rest.dropFirst()
            guard let first = digit() else { return nil }
            var value = Int32(first)
            var count = 1
            while let digit = digit() {
                if count < 9 {
                    value = value * 10 + Int32(digit)
                    count += 1
                }
            }
            for _ in count..<9 { value *= 10 }
            return value
        }

        mutating func offset() -> Int32? {
            if take("Z") { return 0 }
            let sign: Int32
            if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
            guard let hours = number(digits: 2), take(":"), let minutes = number(digits: 2), hours <= 23, minutes <= 59
            else { return nil }
            return sign * Int32(hours * 60 + minutes)
        }
    }
}
