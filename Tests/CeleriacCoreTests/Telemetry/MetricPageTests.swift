import Foundation
import Testing

@testable import CeleriacCore

/// `Compat/METRICS.md`, the alert rules and the dashboard speak of the metrics that there are.
@Suite("The page of metrics") struct MetricPageTests {
    private static let root = URL(filePath: #filePath).appending(path: "../../../..").standardized

    private func text(_ path: String) throws -> String {
        try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
    }

    /// The metrics that a text names, whether or not they exist. What an exporter makes of a timer is the timer.
    private func names(in text: String) -> Set<String> {
        let timers = MetricName.allCases.filter { $0.kind == .timer }.map(\.rawValue)
        return Set(
            text.matches(of: /celeriac_[a-z_]+/).map { match in
                let name = String(match.output)
                return timers.first { ["\($0)_bucket", "\($0)_sum", "\($0)_count"].contains(name) } ?? name
            })
    }

    private let all = Set(MetricName.allCases.map(\.rawValue))

    @Test("has a row for each metric, with its kind and its dimensions")
    func page() throws {
        let page = try text("Compat/METRICS.md")
        #expect(names(in: page) == all)
        var rows: [String] = []
        for line in page.split(separator: "\n") where line.hasPrefix("| `celeriac_") {
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            guard cells.count == 4 else {
                Issue.record("not a row: \(line)")
                continue
            }
            rows.append(cells[0].filter { $0 != "`" } + " " + cells[1] + " " + cells[2])
        }
        #expect(
            rows == MetricName.allCases.map { "\($0.rawValue) \($0.kind) \($0.dimensions.joined(separator: ", "))" })
    }

    @Test("alerts and dashboard name only what exists, and the dashboard shows everything")
    func monitoring() throws {
        let (alerts, dashboard) = (try text("Monitoring/alerts.yaml"), try text("Monitoring/dashboard.json"))
        #expect(names(in: alerts).isSubset(of: all), "\(names(in: alerts).subtracting(all))")
        #expect(names(in: alerts).count > 5)
        #expect(names(in: dashboard) == all, "\(names(in: dashboard).symmetricDifference(all))")
        let json = try JSONSerialization.jsonObject(with: Data(dashboard.utf8)) as? [String: Any]
        #expect((json?["panels"] as? [Any])?.isEmpty == false)
    }
}
