import CeleriacWire
import TestSupport

/// Random crontabs: fields that are mostly valid, and texts many of which Celery refuses.
struct RandomCrontab {
    var generator: SeededGenerator

    /// The fields in the order of Python's parameters: minute, hour, day of week, day of month, month of year.
    mutating func fields() -> [String] {
        [
            field(0...59, []), field(0...23, []), field(0...6, Self.weekdays), field(1...31, []),
            field(1...12, Self.months),
        ]
    }

    /// Text made of the grammar's pieces in any order.
    mutating func noise() -> String {
        (0..<Int.random(in: 1...6, using: &generator))
            .map { _ in Self.pieces.randomElement(using: &generator) ?? "" }.joined()
    }

    mutating func starts(around instants: [Double]) -> [Double] {
        // Times in the year from 1 January 2026, and in the hours in which clocks are changed.
        (0..<3).map { _ in Double.random(in: 1_767_225_600...1_798_761_600, using: &generator).rounded() }
            + instants.map { $0 + Double.random(in: -10_000...10_000, using: &generator).rounded() }
    }

    private mutating func field(_ range: ClosedRange<Int>, _ names: [String]) -> String {
        if Int.random(in: 0..<10, using: &generator) < 4 { return "*" }
        return (0..<Int.random(in: 1...2, using: &generator)).map { _ in part(range, names) }.joined(separator: ",")
    }

    private mutating func part(_ range: ClosedRange<Int>, _ names: [String]) -> String {
        let step = Int.random(in: 1...9, using: &generator)
        return switch Int.random(in: 0..<10, using: &generator) {
        case 0..<3: "*/\(step)"
        case 3..<6: number(range, names)
        case 6..<8: "\(number(range, names))-\(number(range, names))"
        default: "\(number(range, names))-\(number(range, names))/\(step)"
        }
    }

    private mutating func number(_ range: ClosedRange<Int>, _ names: [String]) -> String {
        if let name = names.randomElement(using: &generator), Bool.random(using: &generator) { return name }
        return "\(Int.random(in: range, using: &generator))"
    }

    private static let weekdays = ["sun", "MON", "Tuesday", "wed", "thu", "fri", "sat"]
    private static let months = ["jan", "FEB", "March", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    private static let pieces = [
        "*", "*/", "/", "-", ",", "0", "1", "2", "5", "6", "7", "12", "13", "23", "24", "31", "32", "59", "60", "mon",
        "Fri", "JAN", "december", "sundae", "xyz", " ", "+", "_", "\n", "٣", "é", "½", "007", "99999999999999999999",
    ]
}
