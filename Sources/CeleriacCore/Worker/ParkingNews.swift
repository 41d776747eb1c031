import NIOConcurrencyHelpers

/// What the effect pipeline tells those who look after parked messages.
final class ParkingNews: Sendable {
    /// Wakes who keeps to the bounds, because something was parked.
    let parked = WakeSignal()
    /// Wakes who notes that failures are stored, because the caller of a parked message has been told.
    let told = WakeSignal()
    private let state = NIOLockedValueBox<(underWay: [String: Int], done: Set<String>)>(([:], []))

    /// Notes that the caller of a task, whose message is parked, is about to be told.
    func begin(_ taskID: String) { state.withLockedValue { $0.underWay[taskID, default: 0] += 1 } }

    /// Notes that this is done, as far as it could be.
    func end(_ taskID: String) {
        state.withLockedValue { state in
            let left = (state.underWay[taskID] ?? 1) - 1
            state.underWay[taskID] = left > 0 ? left : nil
            // Who never reads it must not make it grow for ever.
            if state.done.count < 10_000 { state.done.insert(taskID) }
        }
        told.wake()
    }

    /// Whether the caller of a task is still to be told.
    func isUnderWay(_ taskID: String) -> Bool { state.withLockedValue { $0.underWay[taskID] != nil } }

    /// Whether any caller is still to be told.
    var hasUnderWay: Bool { state.withLockedValue { !$0.underWay.isEmpty } }

    /// The tasks whose callers this worker has told, of which nothing is noted at the broker.
    var done: Set<String> { state.withLockedValue { $0.done } }

    /// Forgets whom this worker has told, because that is noted at the broker or cannot be.
    func forgetDone(_ taskIDs: some Sequence<String>) { state.withLockedValue { $0.done.subtract(taskIDs) } }
}
