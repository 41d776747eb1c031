import CeleriacCore
import CeleriacWire
import Foundation
import Testing

@Suite("Interval schedule") struct IntervalScheduleTests {
    private func date(_ text: String) throws -> Date { try Date(text, strategy: .iso8601) }

    @Test("Runs are an interval apart")
    func plain() throws {
        let schedule = try IntervalSchedule(every: .milliseconds(1500))
        let start = Date(timeIntervalSince1970: 1_800_000_000)
        #expect(schedule.next(after: start) == start.addingTimeInterval(1.5))
    }

    @Test("Rounded runs are at midnight, on the hour and on the minute")
    func rounded() throws {
        let zone = try CalendarZone("Europe/Berlin")
        let start = try date("2026-10-24T15:20:40Z")
        func next(_ interval: Duration) throws -> Date? {
            try IntervalSchedule(every: interval, roundedIn: zone).next(after: start)
        }
        #expect(try next(.seconds(86_400)) == date("2026-10-24T22:00:00Z"))
        // Two calendar days later, one of which has 25 hours.
        #expect(try next(.seconds(2 * 86_400)) == date("2026-10-25T23:00:00Z"))
        #expect(try next(.seconds(5400)) == date("2026-10-24T16:00:00Z"))
        #expect(try next(.seconds(90)) == date("2026-10-24T15:22:00Z"))
    }

    @Test("What is no interval is refused", arguments: [Duration.zero, .seconds(-1), .nanoseconds(1), .seconds(1e15)])
    func refused(_ interval: Duration) {
        #expect { try IntervalSchedule(every: interval) } throws: { ($0 as? CeleriacError)?.code == .configuration }
    }
}
