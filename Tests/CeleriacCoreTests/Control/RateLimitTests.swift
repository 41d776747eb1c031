import CeleriacCore
import Testing

@Suite struct RateLimitTests {
    @Test(
        "reads what Celery reads",
        arguments: [("10", 10.0), ("10/s", 10), ("120/m", 2), ("1800/h", 0.5), ("0.5", 0.5), ("3/", 3)])
    func reads(_ text: String, _ perSecond: Double) throws {
        let limit = try #require(RateLimit(text))
        #expect(limit.perSecond == perSecond && limit.description == text)
    }

    @Test("refuses what is none", arguments: ["", "0", "-1/s", "fast", "1/d", "/s", "nan", "inf", "1/s/s"])
    func refuses(_ text: String) {
        #expect(RateLimit(text) == nil)
    }
}
