package import CeleriacWire

/// Durations as Python's `str(timedelta)` writes them: `2:00:00`, `1 day, 0:00:30`, `0:00:00.500000`.
package enum PythonDuration {
    /// The seconds of a duration, as a whole number where there is nothing else; nil for other text.
    package static func seconds(_ text: String) -> WireValue? {
        var (days, clock) = (0, text[...])
        if let comma = text.firstRange(of: ", ") {
            let words = text[..<comma.lowerBound].split(separator: " ", omittingEmptySubsequences: false)
            guard words.count == 2, words.last == "day" || words.last == "days",
                let count = words.first.flatMap({ Int($0) }), -999_999_999...999_999_999 ~= count
            else { return nil }
            (days, clock) = (count, text[comma.upperBound...])
        }
        let parts = clock.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, parts.allSatisfy({ $0.utf8.allSatisfy(isDigitOrPoint) }),
            let hours = Int(parts[0]), 0..<24 ~= hours, let minutes = Int(parts[1]), 0..<60 ~= minutes,
            parts[1].utf8.count == 2, let seconds = Double(parts[2]), 0..<60 ~= seconds
        else { return nil }
        let total = Double(days * 86_400 + hours * 3_600 + minutes * 60) + seconds
        if let whole = Int64(exactly: total) { return .int(whole) }
        return .double(total)
    }

    private static func isDigitOrPoint(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || byte == UInt8(ascii: ".")
    }
}
