import CeleriacCore
import Testing

@Suite struct RetryPolicyTests {
    @Test func exponentialPausesDoubleUpToTheMaximum() {
        let policy = RetryPolicy(
            maximumRetries: 3, delay: .exponential(base: .seconds(3), maximum: .seconds(20), jitter: false))
        let pauses = (0..<5).map { policy.delay(afterRetries: $0, random: 0.25) }
        #expect(pauses == [.seconds(3), .seconds(6), .seconds(12), .seconds(20), .seconds(20)])
    }

    @Test func jitterTakesThatPartOfThePause() {
        let policy = RetryPolicy(maximumRetries: 3, delay: .exponential(base: .seconds(4), maximum: .seconds(10)))
        #expect(policy.delay(afterRetries: 0, random: 0) == .zero)
        #expect(policy.delay(afterRetries: 0, random: 0.5) == .seconds(2))
        #expect(policy.delay(afterRetries: 1, random: 0.75) == .seconds(6))
        // Jitter takes a part of the capped pause, as in Celery.
        #expect(policy.delay(afterRetries: 9, random: 0.5) == .seconds(5))
    }

    @Test(arguments: [-1, 0, 39, 40, 64, 1000, Int.max])
    func noNumberOfRetriesOverflows(_ retries: Int) {
        let policy = RetryPolicy(maximumRetries: nil, delay: .exponential(base: .seconds(1), jitter: false))
        let pause = policy.delay(afterRetries: retries, random: 1)
        #expect(pause == (retries <= 0 ? .seconds(1) : .seconds(600)))
    }

    @Test func aFixedPauseKnowsNoJitter() {
        #expect(
            RetryPolicy(maximumRetries: 3, delay: .fixed(.seconds(180))).delay(afterRetries: 7, random: 0)
                == .seconds(180))
    }
}
