#if Redis
import NIOCore
import Testing

@testable import CeleriacRedis

@Suite struct RedisRedirectionTests {
    private let node = RedisAddress(host: "here", port: 1)

    private func parse(_ line: String) -> RedisRedirection? {
        RedisRedirection(RedisServerError(line: line), from: node)
    }

    @Test func areUnderstood() throws {
        let slot = try #require(RedisSlot(number: 3999))
        let address = RedisAddress(host: "127.0.0.1", port: 6381)
        #expect(parse("MOVED 3999 127.0.0.1:6381") == .moved(slot, address))
        #expect(parse("ASK 3999 127.0.0.1:6381") == .ask(address))
        #expect(parse("MOVED 3999 :6381") == .moved(slot, RedisAddress(host: "here", port: 6381)))
        #expect(parse("ASK 3999 ?:6381") == .ask(RedisAddress(host: "here", port: 6381)))
        #expect(parse("MOVED 3999 ::1:6381") == .moved(slot, RedisAddress(host: "::1", port: 6381)))
        #expect(parse("MOVED 3999 127.0.0.1:6381 more") == .moved(slot, address))
        #expect(parse("TRYAGAIN Multiple keys request during rehashing of slot") == .wait)
        for line in [
            "CLUSTERDOWN The cluster is down", "CLUSTERDOWN Hash slot not served",
            "UNBLOCKED force unblock from blocking operation",
        ] { #expect(parse(line) == .down) }
    }

    @Test(arguments: [
        "MOVED", "MOVED 3999", "MOVED x a:1", "MOVED 16384 a:1", "MOVED -1 a:1", "MOVED 1 a", "MOVED 1 a:", "ASK 1 a:x",
        "ASK 1 a:0", "ASK 1 a:65536", "ERR MOVED 1 a:1", "CROSSSLOT Keys in request don't hash to the same slot",
        "LOADING Redis is loading the dataset in memory", "WRONGTYPE Operation against a key",
    ]) func nothingElseIsOne(_ line: String) {
        #expect(parse(line) == nil)
    }

    // MARK: What follows

    private let patience = TimeAmount.seconds(5)

    @Test func aFewHopsComeAtOnceAndFurtherOnesAfterAPause() throws {
        let slot = try #require(RedisSlot(number: 1))
        var policy = RedisRedirectPolicy()
        for _ in 0..<RedisRedirectPolicy.maximumHops {
            #expect(policy.next(after: .moved(slot, node), now: .now(), patience: patience) == .resend)
        }
        guard case .pause(let first) = policy.next(after: .ask(node), now: .now(), patience: patience) else {
            Issue.record("two nodes lead to each other for ever")
            return
        }
        #expect(Duration.zero < first && first <= .milliseconds(10))
        #expect(policy.next(after: .ask(node), now: .now(), patience: patience) == .ask(node))
    }

    @Test func pausesGrowAndEnd() {
        let start = NIODeadline.now()
        var now = start
        var policy = RedisRedirectPolicy()
        var pauses: [Duration] = []
        while case .pause(let pause) = policy.next(after: .wait, now: now, patience: patience) {
            pauses.append(pause)
            now = now + TimeAmount(pause)
        }
        #expect(pauses.count > 8 && pauses.count < 40 && pauses.allSatisfy { $0 <= .milliseconds(500) })
        #expect(now - start >= patience && policy.tries == pauses.count + 1)
        // Whoever asks again is told the same.
        #expect(policy.next(after: .wait, now: now, patience: patience) == .giveUp)
        let error = RedisServerError(line: "TRYAGAIN Multiple keys").after(policy, from: node)
        #expect(error.code == "TRYAGAIN" && error.isTemporary)
        #expect(error.message.contains("Multiple keys") && error.message.contains("here:1"))
        let led = RedisServerError(line: "MOVED 1 a:1").after(policy, from: node)
        #expect(led.isTemporary && led.message.contains("MOVED 1 a:1"))
    }

    @Test func aCommandThatBlockedInBetweenBeginsAnew() {
        var now = NIODeadline.now()
        var policy = RedisRedirectPolicy()
        for _ in 0..<50 {
            guard case .pause = policy.next(after: .wait, now: now, patience: patience) else {
                Issue.record("it was given up in spite of an answer")
                return
            }
            now = now + .seconds(30)
        }
        // But not for ever, should nobody do it nor say so in time.
        var steps = 0
        while policy.next(after: .wait, now: now, patience: patience) != .giveUp {
            now = now + .seconds(30)
            steps += 1
        }
        #expect(steps < RedisRedirectPolicy.maximumTries)
    }
}
#endif
