import Foundation
import Testing

@testable import CeleriacWire

/// Zone files, and the rules at their end.
@Suite struct ZoneRuleTests {
    private func rule(_ text: String) -> ZoneRule? { ZoneRule(Array(text.utf8)[...]) }

    private func seconds(_ text: String) throws -> Int {
        Int(try #require(ISO8601.parseInstant(text)).timeIntervalSince1970)
    }

    @Test func rulesAreUnderstood() throws {
        let berlin = try #require(rule("CET-1CEST,M3.5.0,M10.5.0/3"))
        #expect(berlin.offset(at: try seconds("2026-03-29T00:59:59Z")) == 3600)
        #expect(berlin.offset(at: try seconds("2026-03-29T01:00:00Z")) == 7200)
        #expect(berlin.offset(at: try seconds("2026-10-25T00:59:59Z")) == 7200)
        #expect(berlin.offset(at: try seconds("2026-10-25T01:00:00Z")) == 3600)
        // South of the equator summer time extends past the end of the year.
        let sydney = try #require(rule("AEST-10AEDT,M10.1.0,M4.1.0/3"))
        #expect(sydney.offset(at: try seconds("2026-01-15T00:00:00Z")) == 39600)
        #expect(sydney.offset(at: try seconds("2026-07-15T00:00:00Z")) == 36000)
        #expect(rule("<+0330>-3:30")?.offset(at: 0) == 12600)
        for text in ["", "5", "EST", "EST5EDT,", "EST5EDT,M13.1.0,M1.1.0", "EST5EDT,M3.2.0", "<EST5"] {
            #expect(rule(text) == nil, "\(text)")
        }
    }

    @Test func daysOfTheYearAreCountedWithAndWithoutTheLeapDay() throws {
        let julian = try #require(rule("AAA0BBB,J60/0,J300/0"))
        #expect(
            julian.transitions(around: try seconds("2024-06-01T00:00:00Z")).map(\.time).contains(
                try seconds("2024-03-01T00:00:00Z")))
        #expect(
            julian.transitions(around: try seconds("2026-06-01T00:00:00Z")).map(\.time).contains(
                try seconds("2026-03-01T00:00:00Z")))
        let ordinal = try #require(rule("AAA0BBB,59/0,300/0"))
        #expect(
            ordinal.transitions(around: try seconds("2024-06-01T00:00:00Z")).map(\.time).contains(
                try seconds("2024-02-29T00:00:00Z")))
        #expect(
            ordinal.transitions(around: try seconds("2026-06-01T00:00:00Z")).map(\.time).contains(
                try seconds("2026-03-01T00:00:00Z")))
    }

    /// Summer time that ends when the next one begins, and changes that fall outside their day or year.
    @Test func changesMayLieOutsideTheirYear() throws {
        let always = try #require(rule("EST5EDT4,0/0,J365/25"))
        let late = try #require(rule("AAA0BBB,M4.1.0,J365/48"))
        for month in 1...12 {
            let middle = try seconds("2026-\(month < 10 ? "0" : "")\(month)-15T12:00:00Z")
            #expect(always.offset(at: middle) == -14_400)
        }
        #expect(always.offset(at: try seconds("2027-01-01T05:00:00Z")) == -14_400)
        #expect(late.offset(at: try seconds("2027-01-01T12:00:00Z")) == 3600)
        #expect(late.offset(at: try seconds("2027-01-02T12:00:00Z")) == 0)
    }

    @Test func offsetsAreThoseOfTheListOfChanges() throws {
        for text in ["CET-1CEST,M3.5.0,M10.5.0/3", "AEST-10AEDT,M10.1.0,M4.1.0/3", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0"] {
            let yearly = try #require(rule(text))
            for step in 0..<20_000 {
                let time = -4_000_000_000 + step * 500_009
                let listed = yearly.transitions(around: time).last { $0.time <= time }?.offset
                try #require(yearly.offset(at: time) == listed, "\(text) at \(time)")
            }
        }
    }

    @Test func damagedFilesAreRefused() {
        #expect(CalendarZone(name: "x", file: []) == nil)
        #expect(CalendarZone(name: "x", file: Array("TZif2".utf8) + Array(repeating: 0, count: 39)) == nil)
        #expect(CalendarZone(name: "x", file: Array("TZif2".utf8) + Array(repeating: 0xff, count: 100)) == nil)
    }

    /// Found by Scripts/fuzz: a change in the year 121 billion, which came after itself again and again.
    @Test func changesBeyondAnyCalendarAreNone() throws {
        let file =
            "VFppZjIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADAAAAAwAAABCh8n2EHhgwqH////8BAgIAAE/8AAAAAE1YAAQAAFDc"
            + "AApMTVQAKzA1MzAAKzA1NDUAVFppZjIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADAAAAAwAAABD/VAArMDUzMDUrADA1"
            + "NAAKPCswNTT///8BAgIAAE/8AAAAAE1YAAQAAFDcAApMTVQAKzA1MzAAKzA1NDUACjwrMDU0NT4tNTo0NQo="
        let bytes = try #require(Data(base64Encoded: file))
        let zone = try #require(CalendarZone(name: "x", file: [UInt8](bytes)))
        var instant = Date(timeIntervalSince1970: -3_000_000_000)
        for _ in 0..<4 {
            guard let change = zone.nextChange(after: instant) else { return }
            #expect(change.instant > instant)
            instant = change.instant
        }
        Issue.record("the changes of a damaged file do not end")
    }

    @Test func everyZoneOfTheSystemIsRead() throws {
        let folder = "/usr/share/zoneinfo"
        var count = 0
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
            guard let content = FileManager.default.contents(atPath: "\(folder)/\(name)"),
                content.starts(with: Data("TZif".utf8))
            else { continue }
            #expect(CalendarZone(name: name, file: [UInt8](content)) != nil, "\(name)")
            count += 1
        }
        #expect(count > 300)
    }

    @Test func aNameLeadsNowhereElse() {
        for name in ["", "../../etc/passwd", "/etc/passwd", "Europe//Berlin", "Europe/", "Eu rope", "a\0b"] {
            #expect(throws: CalendarZone.Fault.invalidName) { try CalendarZone.named(name) }
        }
        #expect(throws: CalendarZone.Fault.unknown) { try CalendarZone.named("Nowhere/City") }
    }
}
