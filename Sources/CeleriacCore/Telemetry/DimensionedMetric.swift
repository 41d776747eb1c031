import NIOConcurrencyHelpers

/// The instruments of one metric that has two dimensions, one instrument for each pair of values.
///
/// There are never more than a thousand: what comes after that counts under `other`, so that names from outside cannot
/// fill the memory of this process or of the metrics system.
package final class DimensionedMetric<Instrument: Sendable>: Sendable {
    private struct Values: Hashable {
        let first: String
        let second: String
    }
    private let names: (first: String, second: String)
    private let limit: Int
    private let make: @Sendable ([(String, String)]) -> Instrument
    private let made = NIOLockedValueBox<[Values: Instrument]>([:])

    /// Makes a metric without instruments.
    ///
    /// - Parameters:
    ///   - metric: the metric, whose dimensions are two.
    ///   - limit: how many pairs of values are told apart.
    ///   - make: makes the instrument for these dimensions.
    package init(_ metric: MetricName, limit: Int = 1000, make: @escaping @Sendable ([(String, String)]) -> Instrument)
    {
        let dimensions = metric.dimensions
        self.names = (dimensions.first ?? "", dimensions.last ?? "")
        self.limit = limit
        self.make = make
    }

    /// The instrument for a pair of values.
    package subscript(first: String, second: String) -> Instrument {
        made.withLockedValue { made in
            var values = Values(first: first, second: second)
            if let known = made[values] { return known }
            if made.count >= limit {
                values = Values(first: "other", second: "other")
                if let known = made[values] { return known }
            }
            let instrument = make([(names.first, values.first), (names.second, values.second)])
            made[values] = instrument
            return instrument
        }
    }
}
