/// Durations as Go writes them: `1h30m`, `1.5s`, `500ms`.
package enum GoDuration {
    private static let units: [String: Double] = [
        "h": 3600, "m": 60, "s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ns": 1e-9,
    ]

    /// The whole seconds of a duration, rounded down; nil for text that is not a duration, or one that is negative or
    /// longer than Go's durations can be.
    package static func seconds(_ text: Substring) -> Int? {
        guard !text.isEmpty else { return nil }
        if text == "0" { return 0 }
        var rest = text
        if rest.first == "+" { rest.removeFirst() }
        var total = 0.0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { "0123456789.".contains($0) }
            rest = rest[number.endIndex...]
            let unit = rest.prefix { !"0123456789.".contains($0) }
            rest = rest[unit.endIndex...]
            let digits = number.hasPrefix(".") ? "0" + number : String(number)
            guard let value = Double(digits), let factor = units[String(unit)] else { return nil }
            total += value * factor
        }
        // Go's durations hold 292 years.
        guard total < 9.2e9 else { return nil }
        return Int((total + 1e-9).rounded(.down))
    }
}
