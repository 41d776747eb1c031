import CeleriacCore
import Metrics

/// The metrics of a route. Where the process has no metrics system there is no such object, and nothing is done for a
/// message.
final class RouteMetrics: Sendable {
    /// Messages that wait in the source's queue.
    let waiting: Meter
    /// From when a message came out of the source's queue until the target has confirmed its task.
    let forwarding: Timer
    /// From when a result was there until the source has it.
    let replying: Timer
    private let pending: Meter
    private let forwarded: Counter
    private let repeated: Counter
    private let replied: Counter
    private let shadowed: Counter
    private let refused: DimensionedMetric<Counter>
    private let route: String

    /// Makes the metrics of a route. It is nil if there is no metrics system.
    ///
    /// - Parameters:
    ///   - route: the route's name.
    ///   - factory: the metrics system; nil for the process's.
    init?(_ route: String, _ factory: (any MetricsFactory)? = nil) {
        let factory = factory ?? MetricsSystem.factory
        if factory is NOOPMetricsHandler { return nil }
        let dimensions = [("route", route)]
        func counter(_ name: MetricName) -> Counter {
            Counter(label: name.rawValue, dimensions: dimensions, factory: factory)
        }
        func meter(_ name: MetricName) -> Meter {
            Meter(label: name.rawValue, dimensions: dimensions, factory: factory)
        }
        func timer(_ name: MetricName) -> Timer {
            Timer(label: name.rawValue, dimensions: dimensions, factory: factory)
        }
        self.route = route
        waiting = meter(.bridgeWaiting)
        pending = meter(.bridgePending)
        forwarding = timer(.bridgeForwarding)
        replying = timer(.bridgeReplying)
        forwarded = counter(.bridgeForwarded)
        repeated = counter(.bridgeRepeated)
        replied = counter(.bridgeReplied)
        shadowed = counter(.bridgeShadowed)
        refused = DimensionedMetric(.bridgeRefused) {
            Counter(label: MetricName.bridgeRefused.rawValue, dimensions: $0, factory: factory)
        }
    }

    /// Tells that the route has ended here. What this process no longer looks at must not stand there for ever, as if a
    /// route that somebody has taken out of the file stood still.
    func leave() {
        waiting.set(0)
        pending.set(0)
    }

    /// Tells what has changed.
    func note(_ old: RouteStatus, _ new: RouteStatus) {
        forwarded.increment(by: new.forwarded - old.forwarded)
        repeated.increment(by: new.repeated - old.repeated)
        replied.increment(by: new.replied - old.replied)
        shadowed.increment(by: new.shadowed - old.shadowed)
        if new.pending != old.pending { pending.set(new.pending) }
        for (reason, count) in new.refused where count != old.refused[reason] {
            refused[route, reason].increment(by: count - (old.refused[reason] ?? 0))
        }
    }
}
