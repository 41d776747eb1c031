import CeleriacCore
import CeleriacWire

/// The five fields of a cron expression.
struct CronFields: Sendable, Hashable {
    let minute: CronField
    let hour: CronField
    let dayOfMonth: CronField
    let month: CronField
    let dayOfWeek: CronField

    init(_ text: Substring) throws(CeleriacError) {
        let parts = text.split { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }
        guard parts.count == 5 else {
            throw CeleriacError(
                .configuration,
                "a cron expression has five fields (minute, hour, day of month, month, day of week), not \(parts.count)"
            )
        }
        minute = try CronField(parts[0], .init(name: "minute", values: 0...59))
        hour = try CronField(parts[1], .init(name: "hour", values: 0...23))
        dayOfMonth = try CronField(parts[2], .init(name: "day of a month", values: 1...31))
        month = try CronField(
            parts[3], .init(name: "month", values: 1...12, names: CivilDate.monthNames))
        dayOfWeek = try CronField(
            parts[4], .init(name: "day of a week", values: 0...6, names: CivilDate.weekdayNames))
    }

    /// Whether both day fields match, if one of them is a bare `*`; otherwise whether either of them does.
    func matchesDay(_ day: Int, weekday: Int) -> Bool {
        let isDay = dayOfMonth.contains(day)
        let isWeekday = dayOfWeek.contains(weekday)
        return dayOfMonth.isAny || dayOfWeek.isAny ? isDay && isWeekday : isDay || isWeekday
    }
}

/// One field of a cron expression: the values that it names, and whether it is a bare `*`.
struct CronField: Sendable, Hashable {
    /// The values that a field may have.
    struct Bounds {
        let name: String
        let values: ClosedRange<Int>
        /// The names of the values, the first of them first.
        var names: [String] = []
    }

    private(set) var bits: UInt64 = 0
    /// Whether the field is `*` or `?` without a step. Such a day field leaves the choice to the other day field.
    private(set) var isAny = false

    func contains(_ value: Int) -> Bool { bits & (1 << UInt64(value & 63)) != 0 }

    /// Reads a field as robfig/cron does: `*`, `?`, numbers, names, ranges, steps, and lists of those.
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
        if let place = bounds.names.firstIndex(of: text.lowercased()) { return bounds.values.lowerBound + place }
        guard let number = Int(text), number >= 0, text.first != "+" else { throw refused(text, bounds) }
        return number
    }

    private static func refused(_ text: Substring, _ bounds: Bounds) -> CeleriacError {
        CeleriacError(
            .configuration,
            "'\(text)' cannot be the \(bounds.name) of a cron expression: use \(bounds.values.lowerBound) to"
                + " \(bounds.values.upperBound), ranges, steps and lists")
    }
}
