public import CeleriacCore
public import CeleriacWire

/// Runs at minutes of the calendar: Celery's `crontab`.
///
/// A minute matches if **all five** fields match it, so that `day_of_month: 1` with `day_of_week: mon` means a Monday
/// that is the first day of a month. (Unix cron takes days on which either field matches.)
///
/// Fields are matched against the clocks of ``zone``, but the results are instants:
///
/// * If clocks are put forward over a matching minute, the crontab runs as if they had not been changed: 02:30 in a
///   missing hour runs when clocks show 03:30.
/// * If clocks are put back and a matching minute comes twice, the crontab runs only the first time. A crontab that
///   runs in every hour follows elapsed time instead, and runs both times. (Celery's own crontab leaves out the second
///   hour.)
public struct Crontab: Schedule, Hashable {
    /// The matching minutes, 0 to 59, ascending.
    public let minutes: [Int]
    /// The matching hours, 0 to 23, ascending.
    public let hours: [Int]
    /// The matching days of the week, Sunday (0) to Saturday (6), ascending.
    public let daysOfWeek: [Int]
    /// The matching days of the month, 1 to 31, ascending.
    public let daysOfMonth: [Int]
    /// The matching months, 1 to 12, ascending.
    public let monthsOfYear: [Int]
    /// The zone whose clocks the fields are matched against.
    public let zone: CalendarZone

    /// Creates a crontab from its fields, each of which is `*` by default.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for fields that Celery refuses, and for an empty list,
    ///   with which Celery fails later.
    public init(
        minute: CrontabField = .any,
        hour: CrontabField = .any,
        dayOfWeek: CrontabField = .any,
        dayOfMonth: CrontabField = .any,
        monthOfYear: CrontabField = .any,
        in zone: CalendarZone = .utc
    ) throws(CeleriacError) {
        do {
            minutes = try minute.expanded("minute", 0...59)
            hours = try hour.expanded("hour", 0...23)
            daysOfWeek = try dayOfWeek.expanded("day_of_week", 0...6)
            daysOfMonth = try dayOfMonth.expanded("day_of_month", 1...31)
            monthsOfYear = try monthOfYear.expanded("month_of_year", 1...12)
        } catch {
            throw CeleriacError(error)
        }
        self.zone = zone
        // 2000 is a leap year, in which every date exists.
        let longest = monthsOfYear.map { CivilDate.days(inMonth: $0, of: 2000) }.max() ?? 0
        guard let first = daysOfMonth.first, first <= longest else {
            throw CeleriacError(CrontabError(.impossibleDate, "none of its months has any of its days"))
        }
    }

    /// Creates a crontab from a line `minute hour day-of-month month day-of-week`, whose fields are separated by one
    /// space each: Celery's `crontab.from_string`.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for a line that Celery refuses.
    public init(_ line: String, in zone: CalendarZone = .utc) throws(CeleriacError) {
        let fields = line.unicodeScalars.split(separator: " ", omittingEmptySubsequences: false)
            .map { CrontabField.text(String($0)) }
        guard fields.count == 5 else {
            throw CeleriacError(
                CrontabError(
                    .fieldCount, "a line has five fields with one space between them, this one has \(fields.count)"))
        }
        try self.init(
            minute: fields[0], hour: fields[1], dayOfWeek: fields[4], dayOfMonth: fields[2], monthOfYear: fields[3],
            in: zone)
    }

    /// True, because Celery's `beat_cron_starting_deadline` applies to crontabs.
    public var hasStartingDeadline: Bool { true }

    /// The matching numbers of the fields in the order of a crontab line, and the zone.
    public var description: String {
        func text(_ numbers: [Int], _ count: Int) -> String {
            numbers.count == count ? "*" : numbers.map { "\($0)" }.joined(separator: ",")
        }
        let fields = [
            text(minutes, 60), text(hours, 24), text(daysOfMonth, 31), text(monthsOfYear, 12), text(daysOfWeek, 7),
        ]
        return fields.joined(separator: " ") + " (\(zone.name))"
    }
}

/// One field of a ``Crontab``: text in Celery's grammar, or numbers.
///
/// ```
/// groups  = expr ("," expr)*
/// expr    = ("*" | number "-" number) ["/" step] | number
/// number  = digits | name of a weekday or month, of which the first three letters count
/// ```
///
/// Ranges wrap (`22-2`, `fri-mon`), and steps count from the first number of the range.
public enum CrontabField: Sendable, Hashable {
    /// Text in Celery's grammar, for instance `1,13,30-45,50-59/2`.
    case text(String)
    /// The numbers themselves.
    case numbers([Int])

    /// Every number: `*`.
    public static let any = CrontabField.text("*")

    /// The numbers that the field stands for, ascending.
    func expanded(_ name: String, _ range: ClosedRange<Int>) throws(CrontabError) -> [Int] {
        let numbers: Set<Int>
        switch self {
        case .text(let text): numbers = try CrontabParser(field: name, range: range).parse(text)
        case .numbers(let given): numbers = Set(given)
        }
        guard !numbers.isEmpty else { throw CrontabError(.emptyField, "\(name) has no numbers: use '*' for all") }
        for number in numbers where !range.contains(number) {
            throw CrontabError(.outOfRange, "\(name) is \(range.lowerBound) to \(range.upperBound), not \(number)")
        }
        return numbers.sorted()
    }
}

extension CrontabField: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral {
    /// Text in Celery's grammar.
    public init(stringLiteral text: String) { self = .text(text) }

    /// One number.
    public init(integerLiteral number: Int) { self = .numbers([number]) }

    /// The numbers themselves.
    public init(arrayLiteral numbers: Int...) { self = .numbers(numbers) }
}

/// A crontab that Celery refuses, or that could never run.
package struct CrontabError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of error, to switch on. Later versions may add codes.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Base: String {
            case emptyPart, emptyStep, badStep, negativeNumber, unknownName, outOfRange, impossibleDate, fieldCount,
                emptyField
        }
        private let base: Base

        /// Nothing stands before, between or after commas.
        package static let emptyPart = Code(base: .emptyPart)
        /// A `/` has no step after it.
        package static let emptyStep = Code(base: .emptyStep)
        /// A step is 0 or not a number.
        package static let badStep = Code(base: .badStep)
        /// A number is below 0.
        package static let negativeNumber = Code(base: .negativeNumber)
        /// Text is neither a number nor the name of a weekday or month.
        package static let unknownName = Code(base: .unknownName)
        /// A number is outside the field's range.
        package static let outOfRange = Code(base: .outOfRange)
        /// None of the months has any of the days: 30 February, for instance.
        package static let impossibleDate = Code(base: .impossibleDate)
        /// A line does not have five fields.
        package static let fieldCount = Code(base: .fieldCount)
        /// A field has no numbers.
        package static let emptyField = Code(base: .emptyField)

        /// The code's name.
        package var description: String { base.rawValue }
    }

    /// What is wrong.
    package var code: Code
    /// What is wrong, in words.
    package var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    package var description: String { "\(code): \(message)" }
}

extension CeleriacError {
    /// Makes the error that a user sees for an invalid crontab.
    fileprivate init(_ error: CrontabError) {
        self.init(.configuration, "the crontab cannot be used", cause: error)
    }
}
