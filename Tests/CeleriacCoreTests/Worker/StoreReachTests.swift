import Testing

import struct FoundationEssentials.Date

@testable import CeleriacCore

/// When a result store counts as out of reach.
@Suite("The reach of a result store") struct StoreReachTests {
    private let start = Date(timeIntervalSince1970: 1_800_000_000)

    private func time(_ seconds: Double) -> Date { start.addingTimeInterval(seconds) }

    @Test("is lost after three seconds of failures, once, and back with the first answer")
    func failures() {
        var reach = StoreReach(askers: 2)
        reach.begin(0, now: time(0))
        #expect(reach.failed(0, reason: "a", now: time(0.5)) == nil)
        #expect(reach.longestPause(now: time(1)) == 2)
        reach.begin(0, now: time(2))
        #expect(reach.dueTime == time(3))
        #expect(reach.failed(0, reason: "b", now: time(2.9)) == nil)
        #expect(!reach.isOut && reach.outage(now: time(2.9)) == nil)
        reach.begin(0, now: time(2.95))
        #expect(reach.failed(0, reason: "c", now: time(3)) == .lost(since: start, reason: "c"))
        reach.begin(0, now: time(4))
        #expect(reach.failed(0, reason: "d", now: time(9)) == nil && reach.longestPause(now: time(9)) == nil)
        #expect(reach.outage(now: time(10)) == 10 && reach.dueTime == nil)
        reach.begin(0, now: time(10))
        #expect(reach.answered(0, now: time(11)) == .back(after: 11))
        #expect(!reach.isOut && reach.answered(nil, now: time(12)) == nil)
    }

    @Test("is lost if a call is not answered for three seconds, although none has failed")
    func silence() {
        var reach = StoreReach(askers: 2)
        #expect(reach.dueTime == nil)
        reach.begin(1, now: time(0))
        #expect(reach.dueTime == time(3))
        #expect(reach.check(now: time(2.9)) == nil)
        #expect(reach.check(now: time(3)) == .lost(since: start, reason: "it does not answer"))
        #expect(reach.check(now: time(4)) == nil)
        #expect(reach.answered(1, now: time(300)) == .back(after: 300))
        #expect(reach.dueTime == nil)
    }

    @Test("is not lost while another call is answered, and is judged anew from then")
    func otherAnswer() {
        var reach = StoreReach(askers: 2)
        reach.begin(0, now: time(0))
        reach.begin(1, now: time(1))
        #expect(reach.answered(1, now: time(2)) == nil)
        #expect(reach.check(now: time(3)) == nil && reach.dueTime == time(5))
        #expect(reach.check(now: time(5)) == .lost(since: time(2), reason: "it does not answer"))
    }

    @Test("is not back because something could be read")
    func reading() {
        var reach = StoreReach(askers: 1)
        reach.begin(0, now: time(0))
        _ = reach.failed(0, reason: "", now: time(1))
        reach.begin(0, now: time(2))
        reach.end(0)
        reach.begin(0, now: time(3))
        #expect(reach.failed(0, reason: "x", now: time(3)) == .lost(since: start, reason: "x"))
        reach.begin(0, now: time(4))
        reach.end(0)
        #expect(reach.isOut)
    }
}
