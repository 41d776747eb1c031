import CeleriacCore
import CeleriacWire
import Foundation
import Testing

@Suite("Zone") struct ZoneTests {
    private func file(_ name: String) throws -> [UInt8] {
        [UInt8](try #require(FileManager.default.contents(atPath: "/usr/share/zoneinfo/\(name)")))
    }

    @Test(
        "Offsets are those of Foundation, from 1900 to 2100",
        arguments: [
            "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Kathmandu",
            "Australia/Sydney",
            "Australia/Lord_Howe", "Pacific/Apia", "Africa/Casablanca", "America/St_Johns", "UTC",
        ])
    func offsets(_ name: String) throws {
        let zone = try CalendarZone(name)
        let foundation = try #require(TimeZone(identifier: name))
        for step in 0..<20_000 {
            let instant = Date(timeIntervalSince1970: -2_208_988_800 + Double(step) * 315_569.25)
            let expected = foundation.secondsFromGMT(for: instant)
            // Foundation rounds the odd offsets of the time before zones.
            if instant.timeIntervalSince1970 < -1_000_000_000, expected % 60 != zone.offset(at: instant) % 60 {
                continue
            }
            try #require(zone.offset(at: instant) == expected, "\(name) at \(instant)")
        }
    }

    @Test("A local time occurs once, twice or never")
    func occurrences() throws {
        let zone = try CalendarZone("America/New_York")
        func occurrence(_ text: String) throws -> ZoneOccurrence {
            zone.occurrence(of: try #require(LocalDateTime(text)))
        }
        func date(_ text: String) throws -> Date { try Date(text, strategy: .iso8601) }
        #expect(try occurrence("2026-07-01T12:00:00") == .once(date("2026-07-01T16:00:00Z")))
        #expect(
            try occurrence("2026-11-01T01:30:00")
                == .twice(date("2026-11-01T05:30:00Z"), date("2026-11-01T06:30:00Z")))
        #expect(try occurrence("2026-03-08T02:30:00") == .never(replacement: date("2026-03-08T07:30:00Z")))
        // By the rule that comes after the list of changes.
        #expect(
            try occurrence("2099-11-01T01:00:00")
                == .twice(date("2099-11-01T05:00:00Z"), date("2099-11-01T06:00:00Z")))
    }

    @Test("Changes follow each other")
    func changes() throws {
        let zone = try CalendarZone("Europe/Berlin")
        let first = try #require(zone.nextChange(after: Date(timeIntervalSince1970: 1_800_000_000)))
        #expect(first.instant == (try Date("2027-03-28T01:00:00Z", strategy: .iso8601)))
        #expect(first.offsetBefore == 3600 && first.offsetAfter == 7200)
        let second = try #require(zone.nextChange(after: first.instant))
        #expect(second.instant == (try Date("2027-10-31T01:00:00Z", strategy: .iso8601)))
        #expect(CalendarZone.utc.nextChange(after: first.instant) == nil)
    }

    @Test(
        "A name that is none is refused, and leads nowhere else",
        arguments: [
            "", "Nowhere/City", "../../etc/passwd", "/etc/passwd", "Europe//Berlin", "Europe/", "Eu rope", "a\0b",
        ])
    func badNames(_ name: String) {
        #expect { try CalendarZone(name) } throws: { ($0 as? CeleriacError)?.code == .configuration }
    }

    @Test("A damaged file is refused or read, but does no harm")
    func damagedFiles() throws {
        let content = try file("Europe/Berlin")
        #expect(CalendarZone(name: "x", file: content) != nil)
        for end in 0..<content.count - 1 { #expect(CalendarZone(name: "x", file: Array(content[..<end])) == nil) }
        for place in content.indices {
            for value: UInt8 in [0, 0x7f, 0x80, 0xff] {
                var damaged = content
                damaged[place] = value
                guard let zone = CalendarZone(name: "x", file: damaged) else { continue }
                for time in [-1e15, 0, 1.8e9, 1e15] {
                    #expect(abs(zone.offset(at: Date(timeIntervalSince1970: time))) < 93_600)
                    _ = zone.nextChange(after: Date(timeIntervalSince1970: time))
                }
            }
        }
    }
}
