import CeleriacCore
package import Metrics
import NIOConcurrencyHelpers

/// A metrics system that shows what it has counted as Prometheus reads it. It is for processes that nobody can give another:
/// the command `celeriac`, and workers of programs that are asked for it by `--metrics`.
///
/// Of each metric there are only so many sets of labels; what comes after that counts where each label is `other`.
package final class PrometheusMetrics: MetricsFactory, MetricsPage {
    private struct Family {
        let kind: PrometheusText.Kind
        /// The series, by their labels as the format writes them.
        var series: [String: any PrometheusSeries] = [:]
    }
    private let limit: Int
    private let families = NIOLockedValueBox<[String: Family]>([:])

    /// Makes a system that has counted nothing.
    ///
    /// - Parameter limit: how many sets of labels a metric may have.
    package init(limit: Int = 2000) { self.limit = limit }

    /// This system, together with the one that the process has already, if it has one.
    package func joining(_ other: any MetricsFactory) -> any MetricsFactory {
        if other is NOOPMetricsHandler { return self }
        return MultiplexMetricsHandler(factories: [other, self])
    }

    // MARK: Showing

    package var contentType: String { PrometheusText.contentType }

    package func text() -> String {
        let families = self.families.withLockedValue { $0 }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) where !family.series.isEmpty {
            text += "# TYPE \(name) \(family.kind.rawValue)\n"
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                text += series.lines(name, labels)
            }
        }
        return text
    }

    // MARK: Counting

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, as: PrometheusCounter.self)
    }

    package func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, dimensions, as: PrometheusCounter.self)
    }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, as: PrometheusGauge.self)
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        if aggregate { return series(label, dimensions, as: PrometheusHistogram.self) }
        return series(label, dimensions, as: PrometheusGauge.self)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, as: PrometheusHistogram.self)
    }

    package func destroyCounter(_ handler: any CounterHandler) { remove(handler) }

    package func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }

    package func destroyMeter(_ handler: any MeterHandler) { remove(handler) }

    package func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }

    package func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    /// The series of these labels: the one that there is, or a new one.
    private func series<Series: PrometheusSeries>(
        _ label: String, _ dimensions: [(String, String)], as type: Series.Type
    ) -> Series {
        let name = PrometheusText.name(label)
        return families.withLockedValue { families in
            // A metric of two kinds would make the whole page unreadable: the second is not shown.
            if let known = families[name], known.kind != type.kind { return type.init() }
            var labels = PrometheusText.labels(dimensions)
            if let known = families[name]?.series[labels] as? Series { return known }
            if let count = families[name]?.series.count, count >= limit {
                labels = PrometheusText.labels(dimensions.map { ($0.0, "other") })
                if let known = families[name]?.series[labels] as? Series { return known }
            }
            let series = type.init()
            families[name, default: Family(kind: type.kind)].series[labels] = series
            return series
        }
    }

    private func remove(_ handler: AnyObject) {
        families.withLockedValue { families in
            for (name, family) in families { families[name]?.series = family.series.filter { $0.value !== handler } }
        }
    }
}
