import CeleriacCore
import Testing

@Suite struct BackoffTests {
    @Test func pausesDoubleUpToTheMaximumAndBeginAnewAfterAReset() {
        var backoff = Backoff(first: .milliseconds(100), maximum: .seconds(1))
        for _ in 0..<100 {
            for whole in [100, 200, 400, 800, 1000, 1000] {
                let pause = backoff.next()
                #expect(pause >= .milliseconds(whole) / 2)
                #expect(pause <= .milliseconds(whole))
            }
            backoff.reset()
        }
    }

    @Test func pausesDiffer() {
        let pauses = (0..<50).map { _ in
            var backoff = Backoff(first: .seconds(1), maximum: .seconds(2))
            return backoff.next()
        }
        #expect(Set(pauses).count > 40)
    }
}
