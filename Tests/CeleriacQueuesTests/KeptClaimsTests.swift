#if Redis
import Testing

@testable import CeleriacQueues

@Suite("Kept claims")
struct KeptClaimsTests {
    private func claim(_ serial: UInt64, size: Int, attempts: Int? = nil) -> RedisClaim {
        let list = RedisQueueList(queue: "q", key: "q", scriptKeys: [])
        let attempt = RedisClaimAttempt(
            lists: [list], firstSerial: serial, limit: 1, tagPrefix: "me.", epoch: 0, time: 0)
        return attempt.claim(0, from: list, payload: [UInt8](repeating: 0, count: size), attempts: attempts)
    }

    @Test("are little, and have what it takes to find their messages again")
    func keeps() {
        var kept = KeptClaims()
        kept.keep(claim(7, size: 10))
        kept.keep(claim(9, size: 10, attempts: 3))
        #expect(kept.count == 2 && kept.serials.sorted() == [7, 9])
        #expect(kept[7]?.attempts == nil && kept[9]?.attempts == 3 && kept[9]?.list.key == "q")
        let (isRemoved, isRemovedAgain) = (kept.remove(7), kept.remove(7))
        #expect(isRemoved && !isRemovedAgain && kept.count == 1)
        #expect(MemoryLayout<KeptClaims.Claim>.stride <= 16)
    }

    @Test("are read in portions that a reply can hold, at least one at a time")
    func portions() {
        var kept = KeptClaims()
        for serial in 1...300 { kept.keep(claim(UInt64(serial), size: 1)) }
        let small = (1...300).map { UInt64($0) }
        #expect(kept.portion(atEndOf: small[...]) == KeptClaims.longestPortion)
        #expect(kept.portion(atEndOf: small[..<3]) == 3 && kept.portion(atEndOf: []) == 0)
        for serial: UInt64 in 301...303 { kept.keep(claim(serial, size: KeptClaims.largestPortion / 2 + 1)) }
        #expect(kept.portion(atEndOf: [300, 301, 302, 303]) == 1)
        #expect(kept.portion(atEndOf: [299, 300, 301]) == 3)
        kept.keep(claim(304, size: KeptClaims.largestPortion + 1))
        #expect(kept.portion(atEndOf: [303, 304]) == 1)
    }
}
#endif
