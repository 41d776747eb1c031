import CeleriacCore
import CeleriacWire
import CeleryDialect
import Foundation
import Testing

@Suite("Crontab") struct CrontabTests {
    /// The next runs after an instant, all as ISO 8601 in UTC.
    private func runs(_ crontab: Crontab, after start: String, count: Int) throws -> [String] {
        var last = try #require(try? Date(start, strategy: .iso8601))
        var runs: [String] = []
        while runs.count < count, let next = crontab.next(after: last) {
            runs.append(next.formatted(.iso8601))
            last = next
        }
        return runs
    }

    private func code(_ body: () throws -> Crontab) -> CrontabError.Code? {
        do {
            _ = try body()
            return nil
        } catch {
            return ((error as? CeleriacError)?.cause as? CrontabError)?.code
        }
    }

    @Test("All fields must match: the first Monday of a month is a Monday in its first seven days")
    func allMatch() throws {
        let crontab = try Crontab(minute: 30, hour: [7, 19], dayOfWeek: "mon", dayOfMonth: "1-7")
        #expect(
            try runs(crontab, after: "2026-01-05T07:30:20Z", count: 4) == [
                "2026-01-05T19:30:00Z", "2026-02-02T07:30:00Z", "2026-02-02T19:30:00Z", "2026-03-02T07:30:00Z",
            ])
    }

    @Test("A crontab waits for the next 29 February that is a Monday")
    func rareDate() throws {
        let crontab = try Crontab("0 0 29 2 mon")
        #expect(
            try runs(crontab, after: "2026-01-01T00:00:00Z", count: 2) == [
                "2044-02-29T00:00:00Z", "2072-02-29T00:00:00Z",
            ])
        #expect(try runs(crontab, after: "9990-01-01T00:00:00Z", count: 1) == [])
    }

    @Test("A daily run in the missing hour runs at the time without the change; runs of other hours are unaffected")
    func clocksForward() throws {
        let zone = try CalendarZone("Europe/Berlin")
        // On 29 March 2026, 02:00 becomes 03:00 at 01:00 UTC.
        #expect(
            try runs(Crontab("30 2 * * *", in: zone), after: "2026-03-27T12:00:00Z", count: 3) == [
                "2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z",
            ])
        #expect(
            try runs(Crontab("*/30 * * * *", in: zone), after: "2026-03-29T00:30:00Z", count: 3) == [
                "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:00:00Z",
            ])
    }

    @Test("In the hour that comes twice a daily run comes once, an hourly run twice")
    func clocksBack() throws {
        let zone = try CalendarZone("Europe/Berlin")
        // On 25 October 2026, 03:00 becomes 02:00 at 01:00 UTC.
        #expect(
            try runs(Crontab("30 2 * * *", in: zone), after: "2026-10-24T12:00:00Z", count: 2) == [
                "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z",
            ])
        #expect(
            try runs(Crontab("30 * * * *", in: zone), after: "2026-10-24T23:30:00Z", count: 4) == [
                "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z", "2026-10-25T03:30:00Z",
            ])
        #expect(
            try runs(Crontab("*/20 * * * *", in: zone), after: "2026-10-25T00:40:00Z", count: 4) == [
                "2026-10-25T01:00:00Z", "2026-10-25T01:20:00Z", "2026-10-25T01:40:00Z", "2026-10-25T02:00:00Z",
            ])
    }

    @Test("A run in the second of two equal hours is not followed by one in the first")
    func fromSecondPass() throws {
        let crontab = try Crontab("50 2 * * *", in: try CalendarZone("Europe/Berlin"))
        #expect(try runs(crontab, after: "2026-10-25T01:40:00Z", count: 1) == ["2026-10-26T01:50:00Z"])
    }

    @Test("A day that a zone left out is skipped")
    func missingDay() throws {
        // Samoa went from 29 directly to 31 December 2011.
        let crontab = try Crontab("0 12 * * *", in: try CalendarZone("Pacific/Apia"))
        #expect(
            try runs(crontab, after: "2011-12-28T23:00:00Z", count: 3) == [
                "2011-12-29T22:00:00Z", "2011-12-30T22:00:00Z", "2011-12-31T22:00:00Z",
            ])
    }

    @Test("Each crontab that Celery refuses has an error code")
    func refusals() {
        #expect(code { try Crontab(minute: "1,,2") } == .emptyPart)
        #expect(code { try Crontab(minute: "") } == .emptyPart)
        #expect(code { try Crontab(minute: "*/") } == .emptyStep)
        #expect(code { try Crontab(minute: "1-5/") } == .emptyStep)
        #expect(code { try Crontab(minute: "*/0") } == .badStep)
        #expect(code { try Crontab(minute: "*/mon") } == .badStep)
        #expect(code { try Crontab(minute: "5/2") } == .unknownName)
        #expect(code { try Crontab(minute: "-5") } == .negativeNumber)
        #expect(code { try Crontab(minute: "60") } == .outOfRange)
        #expect(code { try Crontab(minute: [5, 60]) } == .outOfRange)
        #expect(code { try Crontab(dayOfWeek: 7) } == .outOfRange)
        #expect(code { try Crontab(dayOfMonth: 0) } == .outOfRange)
        #expect(code { try Crontab(hour: "99999999999999999999999") } == .outOfRange)
        #expect(code { try Crontab(dayOfMonth: 30, monthOfYear: 2) } == .impossibleDate)
        #expect(code { try Crontab(dayOfMonth: 31, monthOfYear: "apr,jun") } == .impossibleDate)
        #expect(code { try Crontab(minute: []) } == .emptyField)
        #expect(code { try Crontab("* * * *") } == .fieldCount)
    }

    @Test("Ranges wrap, steps begin at the start of the range, and names are not checked against the field")
    func grammar() throws {
        #expect(try Crontab(hour: "22-2").hours == [0, 1, 2, 22, 23])
        #expect(try Crontab(hour: "22-4/3").hours == [1, 4, 22])
        #expect(try Crontab(dayOfWeek: "Fri-monday").daysOfWeek == [0, 1, 5, 6])
        #expect(try Crontab(dayOfMonth: "*/10").daysOfMonth == [1, 11, 21, 31])
        #expect(try Crontab(hour: "mon-fri").hours == [1, 2, 3, 4, 5])
        #expect(try Crontab(minute: "1-5-7,mon/2").minutes == [1, 2, 3, 4, 5])
        #expect(try Crontab("0 4 1-7 jan mon").description == "0 4 1,2,3,4,5,6,7 1 1 (UTC)")
    }
}
