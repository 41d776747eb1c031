import CeleriacQueues
import Testing

import struct FoundationEssentials.Date

@Suite("Courtesy to neighbours") struct CourtesyTests {
    private let now = Date(timeIntervalSince1970: 1_000_000)

    @Test("lasts a moment after something is given back, at most once a second")
    func lasts() throws {
        var courtesy = Courtesy()
        #expect(courtesy.rest(at: now) == nil)
        courtesy.begin(at: now)
        let rest = try #require(courtesy.rest(at: now))
        #expect(rest >= .milliseconds(50) && rest <= .milliseconds(150))
        courtesy.begin(at: now.addingTimeInterval(0.9))
        #expect(courtesy.rest(at: now.addingTimeInterval(0.9)) == nil)
        courtesy.begin(at: now.addingTimeInterval(1))
        #expect(courtesy.rest(at: now.addingTimeInterval(1)) != nil)
    }

    @Test("ends when the clock is set back, and can begin again")
    func clockSetBack() {
        var courtesy = Courtesy()
        courtesy.begin(at: now)
        #expect(courtesy.rest(at: now.addingTimeInterval(-3600)) == nil)
        courtesy.begin(at: now.addingTimeInterval(-3600))
        #expect(courtesy.rest(at: now.addingTimeInterval(-3600)) != nil)
    }
}
