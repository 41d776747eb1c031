import NIOConcurrencyHelpers
import NIOCore

/// The connections of clients that check health. When there are too many, the oldest has to go, so that clients which only
/// hold connections keep nobody out.
final class HealthConnections: Sendable {
    private struct State {
        var channels: [any Channel] = []
        var isClosed = false
    }
    private let limit: Int
    private let state = NIOLockedValueBox(State())

    init(limit: Int) { self.limit = limit }

    /// How many there are.
    var count: Int { state.withLockedValue { $0.channels.count } }

    /// Adds one.
    func add(_ channel: any Channel) {
        let surplus = state.withLockedValue { state -> (any Channel)? in
            if state.isClosed { return channel }
            state.channels.append(channel)
            return state.channels.count > limit ? state.channels.removeFirst() : nil
        }
        surplus?.close(promise: nil)
        channel.closeFuture.whenComplete { _ in
            self.state.withLockedValue { state in state.channels.removeAll { $0 === channel } }
        }
    }

    /// Closes all, and those that still come.
    func close() {
        let channels = state.withLockedValue { state in
            state.isClosed = true
            defer { state.channels = [] }
            return state.channels
        }
        for channel in channels { channel.close(promise: nil) }
    }
}
