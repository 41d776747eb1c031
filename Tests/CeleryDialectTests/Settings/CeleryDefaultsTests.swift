import CeleriacCore
import CeleryDialect
import Testing

@Suite struct CeleryDefaultsTests {
    @Test(
        "reads rate limits that Celery reads",
        arguments: [("10", 10.0), ("10/s", 10), ("120/m", 2), ("1800/h", 0.5), ("0.5", 0.5), ("3/", 3)])
    func readsRateLimits(_ text: String, _ perSecond: Double) throws {
        let limit = try #require(RateLimit(text))
        #expect(limit.perSecond == perSecond && limit.description == text)
    }

    @Test(
        "refuses text that is not a rate limit",
        arguments: ["", "0", "-1/s", "fast", "1/d", "/s", "nan", "inf", "1/s/s"])
    func refusesRateLimits(_ text: String) {
        #expect(RateLimit(text) == nil)
    }

    @Test("retries three times, 180 seconds apart, unless a policy says otherwise")
    func retries() {
        let policy = RetryPolicy(maximumRetries: 3, delay: .fixed(.seconds(180)))
        #expect(RetryPolicy() == policy && CeleryFormats().retryPolicy == policy)
        #expect(RetryPolicy(maximumRetries: nil) == RetryPolicy(maximumRetries: nil, delay: .fixed(.seconds(180))))
        #expect(RetryPolicy(delay: .fixed(.zero)) == RetryPolicy(maximumRetries: 3, delay: .fixed(.zero)))
    }
}
