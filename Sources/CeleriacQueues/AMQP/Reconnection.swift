#if AMQP
import CeleriacCore

import struct FoundationEssentials.Date

/// Decides how long a consumer waits before it connects again after a loss: not at all, unless the broker drops connections
/// as soon as they are made, and would be hammered.
struct Reconnection: Sendable {
    /// How long a connection lasts that shows nothing of the next one, in seconds.
    private static let lasting = 1.0

    /// When the connection was made that has not been lost.
    private var openedAt: Date?
    private var backoff = Backoff(first: .milliseconds(50), maximum: .seconds(1))

    /// Notes that the consumer consumes.
    mutating func opened(at now: Date) { openedAt = now }

    /// Notes that the connection is lost.
    ///
    /// - Returns: how long to wait; nil for not at all, also if that was said before.
    mutating func pause(at now: Date) -> Duration? {
        guard let opened = openedAt else { return nil }
        openedAt = nil
        guard now.timeIntervalSince(opened) < Self.lasting else {
            backoff.reset()
            return nil
        }
        return backoff.next()
    }
}
#endif
