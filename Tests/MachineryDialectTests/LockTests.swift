import CeleriacCore
import CeleriacTestKit
import MachineryDialect
import Testing

import struct FoundationEssentials.Date

@Suite struct LockTests {
    @Test func anEagerLockIsHeldUntilItEnds() async throws {
        let timers = VirtualTimers()
        let lock = EagerLock(timers: timers)
        let now = Int64(timers.now.timeIntervalSince1970) * 1_000_000_000
        #expect(try await lock.acquire("a", until: now + 5_000_000_000))
        #expect(try await !lock.acquire("a", until: now + 6_000_000_000))
        #expect(try await lock.acquire("b", until: now + 5_000_000_000))
        timers.advance(by: .seconds(7))
        #expect(try await lock.acquire("a", until: now + 20_000_000_000))
    }
}
