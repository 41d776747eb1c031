#if Redis
import Testing

@testable import CeleriacRedis

@Suite struct RedisBackoffTests {
    @Test func pausesGrowWithinTheirRange() {
        var backoff = RedisBackoff(.milliseconds(100)...Duration.seconds(1))
        var random = SeededGenerator(state: 1)
        for _ in 0..<100 {
            for whole in [100, 200, 400, 800, 1000, 1000] {
                let pause = backoff.next(using: &random)
                #expect(pause >= .milliseconds(whole) / 2)
                #expect(pause <= .milliseconds(whole))
            }
            backoff.reset()
        }
    }

    @Test func pausesDiffer() {
        var random = SeededGenerator(state: 1)
        let pauses = (0..<50).map { _ in
            var backoff = RedisBackoff(.seconds(1)...Duration.seconds(2))
            return backoff.next(using: &random)
        }
        #expect(Set(pauses).count > 40)
    }
}
#endif
