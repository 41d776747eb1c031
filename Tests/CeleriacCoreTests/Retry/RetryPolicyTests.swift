import CeleriacCore
import Testing

@Suite("Retry policy")
struct RetryPolicyTests {
    @Test("is Celery's unless told otherwise")
    func standard() {
        let policy = RetryPolicy()
        #expect(policy.maximumRetries == 3)
        #expect([0, 1, 5].allSatisfy { policy.delay(afterRetries: $0, random: 0.5) == .seconds(180) })
    }

    @Test("doubles up to its maximum: retry_backoff, retry_backoff_max and retry_jitter")
    func backoff() {
        let plain = RetryPolicy(delay: .exponential(base: .seconds(2), maximum: .seconds(20), jitter: false))
        let jittered = RetryPolicy(delay: .exponential(base: .seconds(2), maximum: .seconds(20)))
        let whole: [Duration] = [2, 4, 8, 16, 20, 20].map { .seconds($0) }
        for (retries, seconds) in whole.enumerated() {
            #expect(plain.delay(afterRetries: retries, random: 0.25) == seconds)
            #expect(jittered.delay(afterRetries: retries, random: 0.25) == seconds / 4)
            #expect(jittered.delay(afterRetries: retries, random: 0) == .zero)
        }
        #expect(plain.delay(afterRetries: .max, random: 0) == .seconds(20))
        #expect(plain.delay(afterRetries: -1, random: 0) == .seconds(2))
    }
}
