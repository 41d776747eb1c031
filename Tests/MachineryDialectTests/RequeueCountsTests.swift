#if AMQP
import Testing

@testable import MachineryDialect

@Suite struct RequeueCountsTests {
    @Test func whatWasPutBackIsCountedAndForgottenInTime() {
        var counts = RequeueCounts(limit: 3)
        for body: UInt8 in 1...3 { counts.add([body]) }
        counts.add([1])
        #expect((1...3).map { counts.count(of: [$0]) } == [2, 1, 1])
        counts.remove([2])
        #expect(counts.count(of: [2]) == 0)
        // The half that was put back least recently is forgotten, but not what is put back again meanwhile.
        for body: UInt8 in [4, 5, 1, 6, 7, 8] { counts.add([body]) }
        #expect([1, 3, 4].map { counts.count(of: [$0]) } == [3, 0, 0])
    }
}
#endif
