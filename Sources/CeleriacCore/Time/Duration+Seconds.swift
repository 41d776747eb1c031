extension Duration {
    /// The duration in seconds.
    package var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    /// The duration in whole seconds, rounded up and limited to what every server accepts as a lifetime: one second to
    /// a century.
    package var lifetimeInSeconds: Int {
        let (seconds, attoseconds) = components
        return Int(min(max(seconds, attoseconds > 0 ? 0 : 1), 3_155_759_999)) + (attoseconds > 0 ? 1 : 0)
    }

    /// Makes a duration of a number of seconds that came from outside, limited to the range from zero to a century.
    package init(clampedSeconds seconds: Double) {
        self = seconds > 0 ? .seconds(min(seconds, 3_155_760_000)) : .zero
    }
}
