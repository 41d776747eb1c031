#if AMQP

import Testing

@testable import CeleriacAMQP

struct BackoffTests {
    @Test("Pauses double up to the longest, between half and all of it, and begin anew after a reset")
    func growth() {
        var backoff = Backoff(first: 0.1, longest: 5)
        #expect((0..<8).map { _ in backoff.next(jitter: 1) } == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5].map(Duration.seconds))
        for _ in 0..<100 { #expect(backoff.next(jitter: 0) == .seconds(2.5)) }
        backoff.reset()
        #expect(backoff.next(jitter: 0) == .seconds(0.05))
    }
}

#endif
