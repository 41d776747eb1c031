import CeleriacCore

package import struct FoundationEssentials.Date

/// Keeps a worker from taking again, before its neighbours can, what it has just given back.
///
/// All that wait at a list are told at once that it has an element. The worker that gives one back would be the first to
/// ask for it, each time, and a neighbour that can run its task would never get it. So it asks a moment later, and not
/// always the same moment. It does so seldom enough to stay fast where many messages are given back.
package struct Courtesy: Sendable {
    /// How long one lasts, in milliseconds.
    private static let length = 50...150
    /// The shortest time from one to the next, in seconds.
    private static let interval = 1.0

    private var begun = Date.distantPast
    private var length = 0.0

    package init() {}

    /// Begins when something is about to be given back, unless one has begun a short while ago.
    package mutating func begin(at now: Date) {
        if (0..<Self.interval).contains(now.timeIntervalSince(begun)) { return }
        begun = now
        length = Double(Int.random(in: Self.length)) / 1000
    }

    /// How long it still lasts; nil if it is over, or if the clock was set back.
    package func rest(at now: Date) -> Duration? {
        let age = now.timeIntervalSince(begun)
        return (0..<length).contains(age) ? .seconds(length - age) : nil
    }
}
