import NIOConcurrencyHelpers

/// A logical clock: it orders what nodes tell each other.
final class LamportClock: Sendable {
    private let time = NIOLockedValueBox<Int64>(0)

    var value: Int64 { time.withLockedValue { $0 } }

    /// Something is sent: the clock goes on. Returns what is sent with it.
    @discardableResult
    func forward() -> Int64 {
        time.withLockedValue { time in
            time = time < .max ? time + 1 : time
            return time
        }
    }

    /// Something came that was sent at `other`.
    func adjust(to other: Int64) {
        time.withLockedValue { time in
            // A sender that claims the end of time must not take everybody there.
            let latest = max(time, min(other, Int64.max / 2))
            time = latest < .max ? latest + 1 : latest
        }
    }
}
