import CeleriacWire
import Foundation
import TestSupport
import Testing

/// Dates and times, compared with what Python's `datetime` writes.
struct TimeTests {
    @Test func datesAgreeWithTheCalendar() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        // Foundation's calendar is Julian before 1582, unlike Python's, so compare only later dates.
        for day in stride(from: -140_000, through: 2_932_896, by: 997) {
            let instant = Date(timeIntervalSince1970: Double(day) * 86_400)
            let parts = calendar.dateComponents([.year, .month, .day], from: instant)
            let local = try #require(LocalDateTime(utc: instant))
            #expect(local.date.year == parts.year && local.date.month == parts.month && local.date.day == parts.day)
            #expect(local.time == .midnight)
            #expect(local.instant() == instant)
        }
    }

    /// `datetime(1,1,1)`, `datetime(9999,12,31,23,59,59)` and others: seconds since 1970, and `isoformat` in UTC.
    static let instants: [(Double, String)] = [
        (0, "1970-01-01T00:00:00+00:00"), (-1, "1969-12-31T23:59:59+00:00"), (0.25, "1970-01-01T00:00:00.250000+00:00"),
        (-0.25, "1969-12-31T23:59:59.750000+00:00"), (1_769_860_800.5, "2026-01-31T12:00:00.500000+00:00"),
        (951_782_400, "2000-02-29T00:00:00+00:00"), (-62_135_596_800, "0001-01-01T00:00:00+00:00"),
        (253_402_300_799, "9999-12-31T23:59:59+00:00"), (0.000001, "1970-01-01T00:00:00.000001+00:00"),
        (4_107_542_400, "2100-03-01T00:00:00+00:00"), (0.9999999, "1970-01-01T00:00:01+00:00"),
    ]

    @Test(arguments: instants) func writesInstantsAsPython(seconds: Double, text: String) {
        #expect(ISO8601.format(Date(timeIntervalSince1970: seconds)) == text)
        guard let back = ISO8601.parseInstant(text) else {
            Issue.record("not read")
            return
        }
        #expect(abs(back.timeIntervalSince1970 - seconds) < 0.000001)
        #expect(ISO8601.format(back) == text)
    }

    @Test func instantsOutsidePythonsYearsHaveNoForm() {
        for seconds in [-62_135_596_801, 253_402_300_800, 1e300, -1e300, .infinity, .nan] as [Double] {
            #expect(ISO8601.format(Date(timeIntervalSince1970: seconds)) == nil)
        }
    }

    @Test func microsecondsSurviveInThisCentury() throws {
        var generator = SeededGenerator(seed: 12)
        for _ in 0..<2000 {
            let local = try #require(
                LocalDateTime(
                    year: Int.random(in: 1971...2099, using: &generator),
                    month: Int.random(in: 1...12, using: &generator),
                    day: Int.random(in: 1...28, using: &generator), hour: Int.random(in: 0...23, using: &generator),
                    minute: Int.random(in: 0...59, using: &generator),
                    second: Int.random(in: 0...59, using: &generator),
                    microsecond: Int.random(in: 0...999_999, using: &generator)))
            #expect(LocalDateTime(utc: local.instant()) == local)
            #expect(LocalDateTime(local.description) == local)
        }
    }

    static let sameInstant = [
        "2026-01-31T12:00:00+00:00", "2026-01-31T12:00:00Z", "2026-01-31 12:00:00z", "2026-01-31T13:30:00+01:30",
        "2026-01-31T13:30:00+0130", "2026-01-31T05:00:00-07", "2026-02-01T00:00:00.000+12:00", "20260131T120000Z",
        "2026-01-31T12:00+00:00", "2026-01-31T11:59:59.5-00:00:00.5", "2026-01-31T12:00:00,000000000Z",
    ]

    @Test(arguments: sameInstant) func readsOffsets(text: String) {
        #expect(ISO8601.parseInstant(text) == Date(timeIntervalSince1970: 1_769_860_800))
    }

    static let notTimes = [
        "", "2026", "2026-01", "2026-1-1", "2026-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-01-32",
        "0000-01-01", "2026-01-31T", "2026-01-31T12", "2026-01-31T24:00:00", "2026-01-31T12:60:00",
        "2026-01-31T12:00:60",
        "2026-01-31T12:00:00.", "2026-01-31T12:00:00+", "2026-01-31T12:00:00+1", "2026-01-31T12:00:00+24:00",
        "2026-01-31T12:00:00 Z", "2026-01-31T12:00:00Zx", "2026-01-31x12:00:00", " 2026-01-31", "2026-01-31 ",
        "20260-1-31",
        "2026-0131", "202601-31", "2026-01-31T12:00:", "２０２６-01-31", "2026-01-31T12:00:00+01:60", "+026-01-31", "é",
    ]

    @Test(arguments: notTimes) func refusesOtherText(text: String) {
        #expect(ISO8601.parse(text) == nil)
        #expect(LocalDateTime(text) == nil)
        #expect(ISO8601.parseInstant(text) == nil)
        #expect(LocalDate(text) == nil)
    }

    @Test func localTimesAreNotInstants() {
        #expect(ISO8601.parseInstant("2026-01-31T12:00:00") == nil)
        #expect(LocalDateTime("2026-01-31T12:00:00Z") == nil)
        #expect(LocalDateTime("2026-01-31")?.time == .midnight)
        #expect(LocalDateTime("2026-01-31T12:00:00.123456789")?.time.microsecond == 123_456)
        #expect(LocalDateTime("2026-01-31T12:00:00.5")?.time.microsecond == 500_000)
    }

    @Test func partsAreWrittenAsPython() {
        #expect(LocalDate(year: 7, month: 3, day: 9)?.description == "0007-03-09")
        #expect(LocalTime(hour: 1, minute: 2)?.description == "01:02:00")
        #expect(LocalTime(hour: 1, minute: 2, second: 3, microsecond: 40)?.description == "01:02:03.000040")
        #expect(LocalTime("23:59:59.999999")?.microsecond == 999_999)
        #expect(LocalTime("01:02") == LocalTime(hour: 1, minute: 2))
        #expect(LocalTime("0102") == LocalTime(hour: 1, minute: 2))
        #expect(LocalTime("24:00") == nil && LocalTime("1:00") == nil && LocalTime("01:02Z") == nil)
        #expect(LocalDate(year: 2024, month: 2, day: 29) != nil && LocalDate(year: 1900, month: 2, day: 29) == nil)
        #expect(LocalDate(year: 10_000, month: 1, day: 1) == nil && LocalTime(hour: 0, minute: 0, second: 60) == nil)
    }

    @Test func earlierIsLess() throws {
        let days = try ["0001-01-01", "1999-12-31", "2000-01-01", "2000-02-01"].map { try #require(LocalDate($0)) }
        #expect(days == days.shuffled().sorted())
        let times = try ["2000-01-01T23:00:00", "2000-01-02T01:00:00", "2000-01-02T01:00:00.000001"]
            .map { try #require(LocalDateTime($0)) }
        #expect(times == times.shuffled().sorted())
    }
}
