import CeleriacCore

/// One field of a cron expression: the values that it names, and whether it is a bare `*`.
struct CronField: Sendable, Hashable {
    /// What a field may hold.
    struct Bounds {
        let name: String
        let values: ClosedRange<Int>
        var names: [String: Int] = [:]
    }

    private(set) var bits: UInt64 = 0
    /// Whether it was written as `*` or `?` without a step: such a day field leaves the choice to the other one.
    private(set) var isAny = false

    func contains(_ value: Int) -> Bool { bits & (1 << UInt64(value & 63)) != 0 }

    /// Reads a field as robfig/cron does: `*`, `?`, numbers, names, ranges, steps, lists of those.
    init(_ text: Substring, _ bounds: Bounds) throws(CeleriacError) {
        let parts = text.split(separator: ",")
        guard !parts.isEmpty else { throw Self.refused(text, bounds) }
        for part in parts { try add(part, bounds) }
    }

    private mutating func add(_ text: Substring, _ bounds: Bounds) throws(CeleriacError) {
        let rangeAndStep = text.split(separator: "/", omittingEmptySubsequences: false)
        let ends = (rangeAndStep.first ?? "").split(separator: "-", omittingEmptySubsequences: false)
        guard rangeAndStep.count <= 2, let first = ends.first, ends.count <= 2 else { throw Self.refused(text, bounds) }
        var start = bounds.values.lowerBound
        var end = bounds.values.upperBound
        var isAny = false
        if first == "*" || first == "?" {
            guard ends.count == 1 else { throw Self.refused(text, bounds) }
            isAny = true
        } else {
            start = try Self.value(first, bounds)
            end = ends.count == 2 ? try Self.value(ends[1], bounds) : start
        }
        var step = 1
        if rangeAndStep.count == 2 {
            guard let number = Int(rangeAndStep[1]), number > 0, rangeAndStep[1].first != "+" else {
                throw Self.refused(text, bounds)
            }
            step = number
            // "5/15" is from 5 to the end.
            if !isAny, ends.count == 1 { end = bounds.values.upperBound }
            if step > 1 { isAny = false }
        }
        guard bounds.values.contains(start), bounds.values.contains(end), start <= end else {
            throw Self.refused(text, bounds)
        }
        for value in stride(from: start, through: end, by: step) { bits |= 1 << UInt64(value) }
        if isAny { self.isAny = true }
    }

    private static func value(_ text: Substring, _ bounds: Bounds) throws(CeleriacError) -> Int {
        if let named = bounds.names[text.lowercased()] { return named }
        guard let number = Int(text), number >= 0, text.first != "+" else { throw refused(text, bounds) }
        return number
    }

    private static func refused(_ text: Substring, _ bounds: Bounds) -> CeleriacError {
        CeleriacError(
            .configuration,
            "'\(text)' is no \(bounds.name) of a cron expression: use \(bounds.values.lowerBound) to"
                + " \(bounds.values.upperBound), ranges, steps and lists")
    }
}
