import NIOConcurrencyHelpers

/// What a route has done since it began.
package struct RouteStatus: Sendable, Equatable {
    /// How many messages the target has confirmed.
    package var forwarded = 0
    /// How many messages came again and were dropped.
    package var repeated = 0
    /// How many replies the source has.
    package var replied = 0
    /// How many tasks this process waits for.
    package var pending = 0
    /// How many messages were parked, by the reason.
    package var refused: [String: Int] = [:]
}

/// Counts for a ``RouteStatus``.
final class RouteCounts: Sendable {
    private let box = NIOLockedValueBox(RouteStatus())

    var status: RouteStatus { box.withLockedValue { $0 } }

    func change(_ change: (inout RouteStatus) -> Void) { box.withLockedValue { change(&$0) } }
}
