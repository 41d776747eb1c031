import Metrics
import NIOConcurrencyHelpers

/// One set of labels of a metric: what counts, and what it has counted. Each has a lock of its own, held for an addition.
protocol PrometheusSeries: AnyObject, Sendable {
    /// What the metric is.
    static var kind: PrometheusText.Kind { get }

    /// Makes one that has counted nothing.
    init()

    /// The lines under a metric's name, with these labels.
    func lines(_ name: String, _ labels: String) -> String
}

/// A number that only grows. Prometheus' numbers are `Double`, so it counts in them.
final class PrometheusCounter: PrometheusSeries, CounterHandler, FloatingPointCounterHandler {
    static let kind = PrometheusText.Kind.counter
    private let value = NIOLockedValueBox(0.0)

    func increment(by amount: Int64) { increment(by: Double(amount)) }

    func increment(by amount: Double) {
        // It would look like a restart if a counter shrank.
        guard amount > 0, amount.isFinite else { return }
        value.withLockedValue { $0 += amount }
    }

    func reset() { value.withLockedValue { $0 = 0 } }

    func lines(_ name: String, _ labels: String) -> String {
        PrometheusText.line(name, labels, value.withLockedValue { $0 })
    }
}

/// A number that changes.
final class PrometheusGauge: PrometheusSeries, MeterHandler, RecorderHandler {
    static let kind = PrometheusText.Kind.gauge
    private let value = NIOLockedValueBox(0.0)

    func set(_ value: Int64) { set(Double(value)) }

    func set(_ value: Double) { self.value.withLockedValue { $0 = value } }

    func increment(by amount: Double) { value.withLockedValue { $0 += amount } }

    func decrement(by amount: Double) { value.withLockedValue { $0 -= amount } }

    func record(_ value: Int64) { set(value) }

    func record(_ value: Double) { set(value) }

    func lines(_ name: String, _ labels: String) -> String {
        PrometheusText.line(name, labels, value.withLockedValue { $0 })
    }
}

/// A distribution, of durations in seconds or of other numbers.
final class PrometheusHistogram: PrometheusSeries, TimerHandler, RecorderHandler {
    static let kind = PrometheusText.Kind.histogram
    /// The upper bounds of the buckets. They go on to an hour, since a task may wait in its queue for as long: an alert on a
    /// minute needs bounds beyond it.
    static let bounds = [
        0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600,
    ]

    private struct State {
        /// How many values are in each bucket, and in none before it; the last is for those beyond all bounds.
        var counts = [UInt64](repeating: 0, count: PrometheusHistogram.bounds.count + 1)
        var sum = 0.0
    }
    private let state = NIOLockedValueBox(State())

    func recordNanoseconds(_ duration: Int64) { record(max(0, Double(duration) / 1e9)) }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        // One of the others would be in the sum for ever.
        guard value.isFinite else { return }
        let bucket = Self.bounds.firstIndex { value <= $0 } ?? Self.bounds.count
        state.withLockedValue { state in
            state.counts[bucket] &+= 1
            state.sum += value
        }
    }

    func lines(_ name: String, _ labels: String) -> String {
        let state = self.state.withLockedValue { $0 }
        var count: UInt64 = 0
        var text = ""
        for (bound, own) in zip(Self.bounds + [.infinity], state.counts) {
            count &+= own
            let bucket = labels + (labels.isEmpty ? "" : ",") + "le=\"\(PrometheusText.number(bound))\""
            text += PrometheusText.line(name + "_bucket", bucket, Double(count))
        }
        return text + PrometheusText.line(name + "_sum", labels, state.sum)
            + PrometheusText.line(name + "_count", labels, Double(count))
    }
}
