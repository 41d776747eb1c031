import NIOConcurrencyHelpers

/// What a route has done since it began, and what it is at.
package struct RouteStatus: Sendable, Equatable {
    /// How many messages the target has confirmed.
    package var forwarded = 0
    /// How many messages came again and were dropped.
    package var repeated = 0
    /// How many replies the source has.
    package var replied = 0
    /// How many tasks this process waits for.
    package var pending = 0
    /// How many messages were copied to the shadow's queue.
    package var shadowed = 0
    /// How many messages were parked, by the reason.
    package var refused: [String: Int] = [:]
    /// What the route waits for because it is out of reach, with the reasons.
    package var outages: [String: String] = [:]
    /// Whether it takes no messages because too many replies are awaited.
    package var isFull = false
    /// Why the route has given up; nil if it has not.
    package var failure: String?

    /// What the route cannot go on without; nil while it goes on.
    package var obstacle: String? {
        if !outages.isEmpty {
            let waits = outages.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }
            return "it waits for " + waits.joined(separator: ", and for ")
        }
        guard isFull else { return nil }
        return "it waits for replies: \(pending) tasks have none yet, and it takes no more until some have"
    }
}

/// Counts for a ``RouteStatus``.
final class RouteCounts: Sendable {
    private let box = NIOLockedValueBox(RouteStatus())
    private let metrics: RouteMetrics?

    /// Makes counts that metrics follow.
    init(_ metrics: RouteMetrics? = nil) { self.metrics = metrics }

    var status: RouteStatus { box.withLockedValue { $0 } }

    func change(_ change: (inout RouteStatus) -> Void) {
        let (old, new) = box.withLockedValue { status in
            let old = status
            change(&status)
            return (old, status)
        }
        metrics?.note(old, new)
    }

    /// Notes that the route waits for something that is out of reach.
    ///
    /// - Returns: whether nobody has noted that before.
    func waits(for what: String, because reason: String) -> Bool {
        var isNews = false
        change { isNews = $0.outages.updateValue(reason, forKey: what) == nil }
        return isNews
    }

    /// Notes that somebody who has waited for something waits no longer. Others who do say so again.
    func goesOn(with what: String) {
        change { $0.outages[what] = nil }
    }
}
