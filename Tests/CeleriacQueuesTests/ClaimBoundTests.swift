#if Redis
import Testing

@testable import CeleriacQueues

/// How many messages a claim from Redis asks for.
@Suite("The bound of a claim") struct ClaimBoundTests {
    @Test("falls to what fitted of large messages, and grows again step by step")
    func fallsAndGrows() {
        var bound = ClaimBound()
        #expect(bound.count == 1000)
        bound.note(1000, bytes: 50, of: 100)
        #expect(bound.count == 1000)
        bound.note(3, bytes: 51, of: 100)
        #expect(bound.count == 3)
        // Nothing waited, which says nothing about sizes.
        bound.note(0, bytes: 0, of: 100)
        #expect(bound.count == 3)
        // A small message among large ones must not have a thousand of those moved.
        bound.note(1, bytes: 1, of: 100)
        #expect(bound.count == 6)
        bound.note(2, bytes: 100, of: 100)
        #expect(bound.count == 2)
        for _ in 0..<9 { bound.note(1, bytes: 1, of: 100) }
        #expect(bound.count == 1000)
    }
}
#endif
