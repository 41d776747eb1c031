import CeleriacQueues
import Testing

import struct FoundationEssentials.Date

@Suite("Looks for expired claims") struct SteadyLooksTests {
    private let start = Date(timeIntervalSince1970: 1_000_000)

    /// Looks at a time, in seconds, and says whether what is found may be restored.
    private func look(
        _ looks: inout SteadyLooks, at time: Double, taking duration: Double = 0.1, hasAnswered: Bool = true
    ) -> Bool {
        guard looks.begin(at: start.addingTimeInterval(time)) else { return false }
        return looks.end(at: start.addingTimeInterval(time + duration), hasAnswered: hasAnswered)
    }

    @Test("restore at once while the server answers at once")
    func steady() {
        var looks = SteadyLooks(claimLifetime: .seconds(8))
        for time in [0.0, 4, 8] {
            let mayRestore = look(&looks, at: time)
            #expect(mayRestore)
        }
    }

    @Test("restore nothing after a silence or an outage, until living workers have renewed", arguments: [true, false])
    func silence(hasAnswered: Bool) {
        var looks = SteadyLooks(claimLifetime: .seconds(8))
        let isLate = look(&looks, at: 0, taking: hasAnswered ? 2.1 : 0.1, hasAnswered: hasAnswered)
        let isFirst = look(&looks, at: 4)
        let isSecond = look(&looks, at: 8)
        #expect(!isLate && !isFirst && isSecond)
    }

    @Test("do not pile up while the server is silent")
    func onlyOne() {
        var looks = SteadyLooks(claimLifetime: .seconds(8))
        let (first, second) = (looks.begin(at: start), looks.begin(at: start.addingTimeInterval(4)))
        #expect(first && !second)
        let mayRestore = looks.end(at: start.addingTimeInterval(10), hasAnswered: true)
        #expect(!mayRestore)
        // It answers this one at once, but a neighbour may be connecting still.
        let isSoon = look(&looks, at: 10.1)
        #expect(!isSoon)
    }

    @Test("that were never begun restore nothing, and a clock that was set back is no silence")
    func odd() {
        var looks = SteadyLooks(claimLifetime: .seconds(8))
        let hasEnded = looks.end(at: start, hasAnswered: true)
        #expect(!hasEnded)
        let isBack = look(&looks, at: 0, taking: -3600)
        #expect(isBack)
    }
}
