/// Growing pauses between attempts to reach something, with jitter, so that many clients do not come back at once.
package struct Backoff: Sendable {
    private let first: Double
    private let maximum: Double
    private var attempt = 0

    package init(first: Duration = .milliseconds(100), maximum: Duration = .seconds(30)) {
        self.first = first.seconds
        self.maximum = maximum.seconds
    }

    /// The next pause: between half and all of the first pause doubled with every attempt, up to the maximum.
    package mutating func next() -> Duration {
        let ceiling = min(first * Double(UInt64(1) << UInt64(min(attempt, 40))), maximum)
        attempt += 1
        return .seconds(Double.random(in: ceiling / 2...ceiling))
    }

    /// Begins anew after a success.
    package mutating func reset() { attempt = 0 }
}
