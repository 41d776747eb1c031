import CeleryWire
import FoundationEssentials
import TestSupport
import Testing

@Suite struct CeleryTimeTests {
    private let whole = Date(timeIntervalSince1970: 1_893_553_445)

    @Test(arguments: [
        "2030-01-02T03:04:05+00:00", "2030-01-02T03:04:05Z", "2030-01-02T03:04:05", "2030-01-02 03:04:05",
        "2030-01-02T08:34:05+05:30", "2030-01-01T22:04:05-05:00", "2030-01-02T03:04:05.000000+00:00",
        "20300102T030405Z", "2030-01-02T03:04:05.0Z",
    ])
    func readsOneInstant(_ text: String) {
        #expect(CeleryTime.date(text) == whole)
    }

    @Test func aTimeWithoutOffsetIsTheReceivers() throws {
        #expect(CeleryTime.date("2030-01-02T08:34:05", utcOffset: 19_800) == whole)
        // A time that names its offset keeps it.
        #expect(CeleryTime.date("2030-01-02T03:04:05Z", utcOffset: 19_800) == whole)
        #expect(CeleryTime.date("2030-01-02T03:04:05", utcOffset: .max) == nil)
        #expect(CeleryTime.date("2030-01-02T03:04:05", utcOffset: .min) == nil)
    }

    @Test(arguments: [
        "now", "2030-13-02T03:04:05", "2030-02-30T03:04:05", "2030-01-02T24:04:05", "2030-01-02T03:04:05+5",
        "2030-01-02T03:04:05Z ", "2030-01-02T03:04:05+24:00", "0000-01-02T03:04:05", "1893553445", "2030-01-02T",
        "2030-01-02T03:04:05.", "٢٠٣٠-01-02T03:04:05",
    ])
    func refusesWhatIsNoTime(_ text: String) throws {
        #expect(CeleryTime.date(text) == nil)
        var task = CeleryTaskMessage(task: "t", id: "i")
        task.eta = text
        task.expires = text
        let eta = failure { () throws(CeleryWireError) in try task.etaDate() }
        #expect(eta?.code == .invalidTask)
        #expect(eta?.field == "eta")
        #expect(failure { () throws(CeleryWireError) in try task.expiresDate() }?.field == "expires")
    }

    /// Celery reads it the same way.
    @Test func emptyTextIsNoTimeAtAll() throws {
        var task = CeleryTaskMessage(task: "t", id: "i")
        task.eta = ""
        task.expires = ""
        #expect(try task.etaDate() == nil)
        #expect(try task.expiresDate() == nil)
        #expect(CeleryTime.date("") == nil)
    }

    @Test func writesAsPythonDoes() {
        #expect(CeleryTime.text(whole) == "2030-01-02T03:04:05+00:00")
        #expect(CeleryTime.text(whole.addingTimeInterval(0.5)) == "2030-01-02T03:04:05.500000+00:00")
        #expect(CeleryTime.text(Date(timeIntervalSince1970: -1)) == "1969-12-31T23:59:59+00:00")
        #expect(CeleryTime.text(Date(timeIntervalSince1970: .infinity)) == nil)
        #expect(CeleryTime.text(Date(timeIntervalSince1970: 1e300)) == nil)
    }

    /// A written time reads back as the same instant, for instants across the whole calendar.
    @Test func writtenTimesReadBack() throws {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<5_000 {
            let range: ClosedRange<Int64> =
                Bool.random(using: &generator) ? 0...4_000_000_000 : -62_135_596_800...253_402_300_799
            let seconds = Int64.random(in: range, using: &generator)
            let microseconds = Bool.random(using: &generator) ? 0 : Int.random(in: 0..<1_000_000, using: &generator)
            let date = Date(timeIntervalSince1970: Double(seconds) + Double(microseconds) / 1_000_000)
            let text = try #require(CeleryTime.text(date))
            let again = try #require(CeleryTime.date(text))
            // Far from 2001 a Date cannot represent single microseconds.
            #expect(abs(again.timeIntervalSince(date)) < 0.000_05, "\(text)")
            if 0...4_000_000_000 ~= seconds { #expect(CeleryTime.text(again) == text) }
        }
    }

    @Test func expirationCountsDownInMilliseconds() {
        let now = Date(timeIntervalSince1970: 1_000)
        func expiration(_ seconds: Double) -> String {
            CeleryTime.expiration(expires: now.addingTimeInterval(seconds), now: now)
        }
        #expect(expiration(60) == "60000")
        #expect(expiration(1.5) == "1500")
        #expect(expiration(0) == "0")
        #expect(expiration(-5) == "0")
        #expect(expiration(.infinity) == String(Int64.max))
        #expect(expiration(1e300) == String(Int64.max))
        #expect(expiration(.nan) == "0")
    }
}
