extension Duration {
    /// Whole milliseconds, 1 or more, as Redis takes an expiry.
    var inMilliseconds: Int {
        let (seconds, attoseconds) = components
        return max(1, Int(clamping: min(max(seconds, 0), 1 << 40) * 1000 + attoseconds / 1_000_000_000_000_000))
    }
}
