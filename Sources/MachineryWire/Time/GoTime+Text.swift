extension GoTime: LosslessStringConvertible {
    /// Reads RFC 3339 as Go does; nil where Go refuses it.
    public init?(_ text: String) {
        var reader = Reader(rest: Array(text.utf8)[...])
        guard let year = reader.number(digits: 4), reader.take("-"), let month = reader.number(digits: 2),
            reader.take("-"), let day = reader.number(digits: 2), reader.take("T"),
            let hour = reader.number(digits: 2), reader.take(":"), let minute = reader.number(digits: 2),
            reader.take(":"), let second = reader.number(digits: 2),
            1...12 ~= month, day >= 1, day <= Self.days(in: month, of: year), hour <= 23, minute <= 59, second <= 59,
            let nanoseconds = reader.fraction(), let offset = reader.offset(), reader.rest.isEmpty
        else { return nil }
        let days = CivilDate.daysSince1970(year: year, month: month, day: day)
        let seconds = Int64(days) * 86_400 + Int64(hour * 3600 + minute * 60 + second) - Int64(offset) * 60
        self.init(seconds: seconds, nanoseconds: nanoseconds, offset: offset)
    }

    /// RFC 3339 with as many digits of a second as there are, none if it is a whole one; `Z` for UTC.
    public var description: String {
        let local = seconds + Int64(offset) * 60
        let days = local >= 0 ? local / 86_400 : (local - 86_399) / 86_400
        let rest = Int(local - days * 86_400)
        let (year, month, day) = CivilDate.of(daysSince1970: Int(days))
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

    // MARK: Calendar

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
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

        /// Digits after a point, cut off after the ninth as Go does; 0 where there is no point.
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
