#if Redis
import Testing

@testable import CeleriacRedis

@Suite struct RedisSentinelRoundTests {
    private static let addresses = (1...3).map { RedisAddress(host: "s\($0)", port: $0) }

    private func sentinels(minimumOthers: Int = 0) -> RedisSentinels {
        var sentinels = RedisSentinels(Self.addresses, primaryName: "mymaster")
        sentinels.minimumOthers = minimumOthers
        return sentinels
    }

    private func asked(_ step: RedisSentinelRound.Step) -> RedisAddress? {
        if case .ask(let sentinel) = step { sentinel } else { nil }
    }

    private func failure(_ step: RedisSentinelRound.Step) -> RedisError? {
        if case .failed(let error) = step { error } else { nil }
    }

    private func found(_ step: RedisSentinelRound.Step) -> RedisAddress? {
        if case .found(let primary, by: _) = step { primary } else { nil }
    }

    @Test func theNextIsAskedUntilOneNamesThePrimary() {
        var round = RedisSentinelRound(sentinels())
        #expect(asked(round.step) == Self.addresses[0])
        #expect(asked(round.take(.failure(RedisError(.connectFailed, "Gone.")))) == Self.addresses[1])
        #expect(asked(round.take(.success([.null]))) == Self.addresses[2])
        let end = round.take(.success([.array([.text("10.0.0.1"), .text("6379")])]))
        #expect(found(end) == RedisAddress(host: "10.0.0.1", port: 6379))
    }

    @Test func whoKnewThePrimaryIsAskedFirstAndWhoWasWrongLast() {
        let sentinels = sentinels()
        let copy = sentinels
        sentinels.askFirst(Self.addresses[2])
        #expect(copy.inTurn == [Self.addresses[2], Self.addresses[0], Self.addresses[1]])
        sentinels.askAnotherFirst()
        #expect(copy.inTurn == Self.addresses)
    }

    @Test func theErrorTellsWhatEachSaid() {
        var round = RedisSentinelRound(sentinels())
        _ = round.take(.failure(RedisError(.timeout, "It was silent.")))
        _ = round.take(.success([.null]))
        let refusal = RedisServerError(line: "NOPERM this user has no permissions")
        let error = failure(round.take(.success([.error(refusal)])))
        // The first may answer the next time.
        #expect(error?.code == .connectFailed && error?.isOutOfReach == true)
        for part in ["mymaster", "s1:1: It was silent.", "s2:2: It knows no", "s3:3: It refuses", "NOPERM"] {
            #expect(error?.message.contains(part) == true, "\(part)")
        }
    }

    @Test func aNameThatNobodyKnowsIsNoOutage() {
        var round = RedisSentinelRound(sentinels())
        var step = round.step
        for _ in Self.addresses { step = round.take(.success([.null])) }
        #expect(failure(step)?.code == .unknownPrimary && failure(step)?.isOutOfReach == false)
        #expect(failure(RedisSentinelRound(RedisSentinels([], primaryName: "m")).step)?.code == .connectFailed)
    }

    @Test(
        arguments: [
            [], [RedisValue.status("OK")], [.array([])], [.array([.text("h")])], [.array([.text("h"), .text("x")])],
            [.array([.text("h"), .text("0")])], [.array([.text("h"), .text("65536")])],
            [.array([.text(""), .text("1")])], [.array([.null, .integer(1)])],
        ] as [[RedisValue]]) func whatIsNoAddressIsRefused(_ replies: [RedisValue])
    {
        var round = RedisSentinelRound(sentinels())
        #expect(asked(round.take(.success(replies))) == Self.addresses[1])
    }

    @Test func enoughOtherSentinelsMustBeSeen() {
        let address = RedisValue.array([.text("h"), .text("1")])
        var round = RedisSentinelRound(sentinels(minimumOthers: 2))
        #expect(round.commands.count == 2 && RedisSentinelRound(sentinels()).commands.count == 1)
        let few = RedisValue.array([.text("name"), .text("m"), .text("num-other-sentinels"), .text("1")])
        #expect(asked(round.take(.success([address, few]))) != nil)
        #expect(asked(round.take(.success([address, .array([.text("name")])]))) != nil)
        let enough = RedisValue.array([.text("num-other-sentinels"), .text("2"), .text("odd")])
        #expect(found(round.take(.success([address, enough]))) == RedisAddress(host: "h", port: 1))
    }
}
#endif
