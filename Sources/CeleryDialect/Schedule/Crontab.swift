public import CeleriacCore

/// Runs at minutes of the calendar: Celery's `crontab`.
///
/// A minute matches when **all five** fields match it, so that `day_of_month: 1` with `day_of_week: mon` means Mondays that
/// are the first of a month. (Unix cron takes days on which either matches.)
///
/// Fields are matched against the clocks of ``zone``, but what comes out are instants:
///
/// * Where clocks are put forward over a matching minute, it runs as if they had not been changed: 02:30 in a missing hour
///   runs at what clocks then call 03:30.
/// * Where clocks are put back and a matching minute comes twice, it runs the first time only, except in a crontab that
///   runs in every hour: that one goes on by elapsed time and runs both times. (Celery leaves out the second hour,
///   issue 10107.)
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
    /// The zone of whose clocks the fields speak.
    public let zone: Zone

    /// Makes a crontab of its fields, each `*` unless given.
    ///
    /// - Throws: ``CrontabError`` for what Celery refuses, and for an empty list, with which Celery fails later.
    public init(
        minute: CrontabField = .any,
        hour: CrontabField = .any,
        dayOfWeek: CrontabField = .any,
        dayOfMonth: CrontabField = .any,
        monthOfYear: CrontabField = .any,
        in zone: Zone = .utc
    ) throws(CrontabError) {
        minutes = try minute.expanded("minute", 0...59)
        hours = try hour.expanded("hour", 0...23)
        daysOfWeek = try dayOfWeek.expanded("day_of_week", 0...6)
        daysOfMonth = try dayOfMonth.expanded("day_of_month", 1...31)
        monthsOfYear = try monthOfYear.expanded("month_of_year", 1...12)
        self.zone = zone
        let longest = monthsOfYear.map { [2: 29, 4: 30, 6: 30, 9: 30, 11: 30][$0] ?? 31 }.max() ?? 0
        guard let first = daysOfMonth.first, first <= longest else {
            throw CrontabError(.impossibleDate, "none of its days is in any of its months")
        }
    }

    /// Makes a crontab of a line `minute hour day-of-month month day-of-week`, the fields separated by one space each:
    /// Celery's `crontab.from_string`.
    ///
    /// - Throws: ``CrontabError``.
    public init(_ line: String, in zone: Zone = .utc) throws(CrontabError) {
        let fields = line.unicodeScalars.split(separator: " ", omittingEmptySubsequences: false)
            .map { CrontabField.text(String($0)) }
        guard fields.count == 5 else {
            throw CrontabError(
                .fieldCount, "a line has five fields with one space between them, this one has \(fields.count)")
        }
        try self.init(
            minute: fields[0], hour: fields[1], dayOfWeek: fields[4], dayOfMonth: fields[2], monthOfYear: fields[3],
            in: zone)
    }

    /// True: Celery's `beat_cron_starting_deadline` is about crontabs.
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
