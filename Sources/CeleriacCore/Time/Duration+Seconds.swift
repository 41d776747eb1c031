extension Duration {
    /// The duration in seconds.
    package var seconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) / 1e18
    }

    /// The duration in whole seconds, rounded up, from one second to a hundred years: a lifetime that every server takes.
    package var lifetimeInSeconds: Int {
        let (seconds, attoseconds) = components
        return Int(min(max(seconds, attoseconds > 0 ? 0 : 1), 3_155_759_999)) + (attoseconds > 0 ? 1 : 0)
    }

    /// The time that a number of seconds from outside stands for, from none to a hundred years.
    package init(clampedSeconds seconds: Double) {
        self = seconds > 0 ? .seconds(min(seconds, 3_155_760_000)) : .zero
    }
}
