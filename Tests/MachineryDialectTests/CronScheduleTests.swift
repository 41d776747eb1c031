import CeleriacCore
import MachineryWire
import Testing

import struct FoundationEssentials.Date

@testable import CeleriacWire
@testable import MachineryDialect

@Suite struct CronScheduleTests {
    private func date(_ text: String) throws -> Date { try #require(GoTime(text)).date }

    /// Cases of robfig/cron's own tests, and similar ones.
    @Test(arguments: [
        ("0/15 * * * *", "2012-07-09T14:45:00Z", "2012-07-09T15:00:00Z"),
        ("0/15 * * * *", "2012-07-09T14:59:59Z", "2012-07-09T15:00:00Z"),
        ("20-35/15 * * * *", "2012-07-09T15:45:00Z", "2012-07-09T16:20:00Z"),
        ("20-35/15 * * * *", "2012-07-09T23:46:00Z", "2012-07-10T00:20:00Z"),
        ("20-35/15 1/2 * * *", "2012-07-09T23:35:51Z", "2012-07-10T01:20:00Z"),
        ("20-35/15 10-12 * * *", "2012-07-09T23:35:51Z", "2012-07-10T10:20:00Z"),
        ("20-35/15 1/2 */2 * *", "2012-07-09T23:35:51Z", "2012-07-11T01:20:00Z"),
        ("20-35/15 * 9-20 * *", "2012-07-09T23:35:51Z", "2012-07-10T00:20:00Z"),
        ("20-35/15 * 9-20 Jul *", "2012-07-09T23:35:51Z", "2012-07-10T00:20:00Z"),
        ("0 0 9 Apr-Oct ?", "2012-07-09T23:35:00Z", "2012-08-09T00:00:00Z"),
        ("0 0 */5 Apr,Aug,Oct Mon", "2012-07-09T23:35:00Z", "2012-08-01T00:00:00Z"),
        ("0 0 */5 Oct Mon", "2012-07-09T23:35:00Z", "2012-10-01T00:00:00Z"),
        ("0 0 * Feb Mon", "2012-07-09T23:35:00Z", "2013-02-04T00:00:00Z"),
        ("0 0 * Feb Mon/2", "2012-07-09T23:35:00Z", "2013-02-01T00:00:00Z"),
        ("0 0 31 Dec *", "2012-12-31T00:00:45Z", "2013-12-31T00:00:00Z"),
        ("0 0 29 Feb ?", "2012-07-09T23:35:00Z", "2016-02-29T00:00:00Z"),
        ("0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
        ("30 4 1,15 * *", "2026-01-02T00:00:00Z", "2026-01-15T04:30:00Z"),
        ("@yearly", "2012-07-09T23:35:00Z", "2013-01-01T00:00:00Z"),
        ("@weekly", "2026-11-24T00:00:00Z", "2026-11-29T00:00:00Z"),
        ("@hourly", "2026-11-24T00:00:00Z", "2026-11-24T01:00:00Z"),
        ("@every 1h30m10s", "2026-11-24T00:00:00.7Z", "2026-11-24T01:30:10Z"),
        ("@every 500ms", "2026-11-24T00:00:00Z", "2026-11-24T00:00:01Z"),
    ])
    func nextTimesInUTC(_ spec: String, _ from: String, _ expected: String) throws {
        let schedule = try CronSchedule(spec, local: .utc)
        let next = try #require(schedule.next(after: date(from)))
        #expect(GoTime(next).description == expected)
    }

    /// A zone whose clocks follow New York's rules since 2007.
    @Test(arguments: [
        // Clocks are put forward at 2: there is no 2:30 on that day.
        ("30 2 11 3 ?", "2012-03-11T05:00:00Z", "2013-03-11T06:30:00Z"),
        ("0 * * * *", "2012-03-11T06:00:00Z", "2012-03-11T07:00:00Z"),
        ("0 3 * * *", "2012-03-11T05:00:00Z", "2012-03-11T07:00:00Z"),
        // Clocks are put back at 2: 1:00 comes twice.
        ("0 1 * * *", "2012-11-04T04:00:00Z", "2012-11-04T05:00:00Z"),
        ("0 1 * * *", "2012-11-04T05:00:00Z", "2012-11-04T06:00:00Z"),
        ("0 1 * * *", "2012-11-04T06:00:00Z", "2012-11-05T06:00:00Z"),
        ("0 0 * * *", "2012-11-04T04:00:00Z", "2012-11-05T05:00:00Z"),
    ])
    func clocksThatArePutForwardAndBack(_ spec: String, _ from: String, _ expected: String) throws {
        let rule = try #require(ZoneRule(Array("EST5EDT,M3.2.0,M11.1.0".utf8)[...]))
        let zone = CalendarZone(name: "clocks", data: ZoneData(transitions: [], initialOffset: 0, rule: rule))
        let schedule = try CronSchedule(spec, local: zone)
        let next = try #require(schedule.next(after: date(from)))
        #expect(GoTime(next).description == expected)
    }

    @Test func neverComesToAnEnd() throws {
        #expect(try CronSchedule("0 0 31 Feb ?", local: .utc).next(after: Date(timeIntervalSince1970: 0)) == nil)
    }

    @Test(arguments: [
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7", "5-1 * * * *",
        "*/0 * * * *", "a * * * *", "1-2-3 * * * *", "1/2/3 * * * *", "-1 * * * *", "+1 * * * *", "*-5 * * * *",
        "@fortnightly",
        "@every", "@every ", "@every 5", "@every -5s", "@every 1x", "TZ=Nowhere/At_All * * * * *",
        "TZ=../etc/passwd * * * * *",
        "CRON_TZ=UTC", ", * * * *",
    ])
    func whatIsNoScheduleIsRefused(_ spec: String) {
        #expect { try CronSchedule(spec) } throws: { ($0 as? CeleriacError)?.code == .configuration }
    }
}
