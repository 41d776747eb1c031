import CeleriacCore
import Foundation
import Testing

@Suite("Solar schedule") struct SolarScheduleTests {
    @Test("Events are those of Celery with ephem, to 15 seconds and beyond the polar circles to 5 minutes")
    func vectors() throws {
        // The limb stays 0.002° below the horizon the day before, by ephem, and just reaches it by our formulas.
        let grazing = "sunrise -77.85 166.67 1840334286 1850256234"
        var count = 0
        for line in SolarVectors.text.split(separator: "\n") {
            let row = line.split(separator: " ")
            try #require(row.count == 5)
            let event = try #require(SolarEvent(rawValue: String(row[0])))
            let latitude = try #require(Double(row[1]))
            let schedule = try SolarSchedule(
                event, latitude: latitude, longitude: try #require(Double(row[2])))
            let next = schedule.next(after: Date(timeIntervalSince1970: try #require(Double(row[3]))))
            let difference = abs((next?.timeIntervalSince1970 ?? 0) - (try #require(Double(row[4]))))
            let tolerance: Double = line == grazing ? 86_400 : abs(latitude) < 66 ? 15 : 300
            #expect(difference <= tolerance, "\(line): \(difference) s")
            count += 1
        }
        #expect(count == 405)
    }

    @Test("An event is not found again once it has run", arguments: SolarEvent.allCases)
    func advances(_ event: SolarEvent) throws {
        let schedule = try SolarSchedule(event, latitude: 52.5, longitude: 13.4)
        var last = Date(timeIntervalSince1970: 1_767_225_600)
        for _ in 0..<300 {
            let next = try #require(schedule.next(after: last))
            #expect(next > last.addingTimeInterval(20 * 3600) || last == Date(timeIntervalSince1970: 1_767_225_600))
            last = next
        }
    }

    @Test("Places outside the earth are refused", arguments: [(90.1, 0), (-91, 0), (0, 180.5), (0, -181), (.nan, 0)])
    func places(latitude: Double, longitude: Double) {
        #expect { try SolarSchedule(.sunset, latitude: latitude, longitude: longitude) } throws: {
            ($0 as? CeleriacError)?.code == .configuration
        }
    }

    @Test("Times beyond the formulas have no event, and the poles have theirs")
    func extremes() throws {
        let pole = try SolarSchedule(.sunrise, latitude: 90, longitude: 0)
        let sunrise = try #require(pole.next(after: Date(timeIntervalSince1970: 1_767_225_600)))
        #expect(abs(sunrise.timeIntervalSince(try Date("2026-03-18T12:00:00Z", strategy: .iso8601))) < 3 * 86_400)
        #expect(pole.next(after: Date(timeIntervalSince1970: 1e15)) == nil)
    }
}
