extension Duration {
    /// A century: the longest span that is taken from outside, so that sums with points in time cannot overflow.
    package static let longestSeconds = 3_155_760_000

    /// The duration in seconds.
    package var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    /// The duration in whole seconds, rounded up and limited to what every server accepts as a lifetime: one second to
    /// a century.
    package var lifetimeInSeconds: Int {
        let (seconds, attoseconds) = components
        let whole = min(max(seconds, attoseconds > 0 ? 0 : 1), Int64(Self.longestSeconds - 1))
        return Int(whole) + (attoseconds > 0 ? 1 : 0)
    }

    /// Makes a duration of a number of seconds that came from outside, limited to the range from zero to a century.
    package init(clampedSeconds seconds: Double) {
        self = seconds > 0 ? .seconds(min(seconds, Double(Self.longestSeconds))) : .zero
    }
}
