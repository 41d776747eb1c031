import MachineryWire
import Testing

import struct FoundationEssentials.Date

@Suite struct GoTimeTests {
    @Test(arguments: [
        "2026-11-23T03:11:11.40704572Z", "0001-01-01T00:00:00Z", "2020-01-02T03:04:05.6Z",
        "2024-02-29T23:59:59.999999999Z",
        "1969-12-31T23:59:59.5Z", "2026-01-01T00:30:00+01:00", "2026-01-01T00:30:00-03:30", "9999-12-31T23:59:59Z",
        "0000-03-01T00:00:00Z",
    ])
    func goTimesAreReadAndWrittenAgain(_ text: String) throws {
        #expect(try #require(GoTime(text)).description == text)
    }

    @Test func trailingZerosAndATenthDigitGo() throws {
        #expect(GoTime("2026-01-01T00:00:00.1200Z")?.description == "2026-01-01T00:00:00.12Z")
        #expect(GoTime("2026-01-01T00:00:00.1234567899Z")?.nanoseconds == 123_456_789)
        #expect(GoTime("2026-01-01T00:00:00+00:00")?.description == "2026-01-01T00:00:00Z")
    }

    @Test(arguments: [
        "", "2026-01-01", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00Zx", "226-01-01T00:00:00Z", "2026-00-01T00:00:00Z",
    ])
    func whatGoRefusesIsRefused(_ text: String) {
        #expect(GoTime(text) == nil)
    }

    @Test func timesAreInstants() throws {
        let time = try #require(GoTime("2026-01-01T01:00:00.25+01:00"))
        #expect(time.unixNanoseconds == 1_767_225_600_250_000_000)
        #expect(time.date.timeIntervalSince1970 == 1_767_225_600.25)
        #expect(GoTime(time.date).description == "2026-01-01T00:00:00.25Z")
        #expect(GoTime.zero.isZero)
        #expect(GoTime.zero.description == "0001-01-01T00:00:00Z")
        #expect(GoTime.zero.unixNanoseconds == .min)
        #expect(GoTime(Date(timeIntervalSince1970: -1e18)).isZero)
    }
}
