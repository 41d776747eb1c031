#if Redis
import NIOCore
import Testing

@testable import CeleriacRedis

@Suite struct RedisSubscriptionsTests {
    private let deadline = NIODeadline.uptimeNanoseconds(100)

    private func confirmation(_ kind: String, _ name: String, _ count: Int64 = 1) -> RedisValue {
        .array([.text(kind), .text(name), .integer(count)])
    }

    private func wire(_ command: RedisCommand) -> String {
        var buffer = ByteBuffer()
        command.write(to: &buffer)
        return String(buffer: buffer).split(separator: "\r\n").dropFirst().enumerated()
            .compactMap { $0.offset % 2 == 1 ? String($0.element) : nil }.joined(separator: " ")
    }

    private func describe(_ event: RedisSubscriptions<String>.Event) -> String {
        switch event {
        case .message(let message): "message \(message.channel) \(String(decoding: message.payload, as: UTF8.self))"
        case .progress: "progress"
        case .confirmed(let waiter): "confirmed \(waiter)"
        case .refused(let waiter, let error): "refused \(waiter) \(error.code)"
        case .resubscribed: "resubscribed"
        case .pong: "pong"
        }
    }

    /// Subscriptions on a connection, with channels `a` and `b` and pattern `p*`.
    private func subscribed() throws -> RedisSubscriptions<String> {
        var subscriptions = RedisSubscriptions<String>()
        #expect(subscriptions.isEmpty)
        #expect(subscriptions.connected(deadline: deadline).isEmpty)
        let first = subscriptions.begin(.subscribe, ["a", "b"], deadline: deadline, limit: deadline, waiter: "1")
        #expect(first.map(wire) == "subscribe a b")
        let second = subscriptions.begin(.psubscribe, ["p*"], deadline: deadline, limit: deadline, waiter: "2")
        #expect(second.map(wire) == "psubscribe p*")
        #expect(describe(try subscriptions.receive(confirmation("subscribe", "a"))) == "progress")
        #expect(describe(try subscriptions.receive(confirmation("subscribe", "b"))) == "confirmed 1")
        #expect(describe(try subscriptions.receive(confirmation("psubscribe", "p*"))) == "confirmed 2")
        return subscriptions
    }

    @Test func confirmsEachCallAndDeliversMessages() throws {
        var subscriptions = try subscribed()
        let message = RedisValue.array([.text("message"), .text("a"), .text("x")])
        guard case .message(let plain) = try subscriptions.receive(message) else {
            Issue.record("not taken as a message")
            return
        }
        #expect(plain == RedisPubSubMessage(channel: "a", value: .text("x")))
        guard
            case .message(let matched) = try subscriptions.receive(
                .array([.text("pmessage"), .text("p*"), .text("pq"), .text("y")]))
        else {
            Issue.record("not taken as a message")
            return
        }
        #expect(matched == RedisPubSubMessage(channel: "pq", pattern: "p*", value: .text("y")))
        #expect(matched.payload == Array("y".utf8))
        // Client tracking sends a list of keys.
        guard
            case .message(let invalidation) = try subscriptions.receive(
                .array([.text("message"), .text("__redis__:invalidate"), .array([.text("k")])]))
        else {
            Issue.record("not taken as a message")
            return
        }
        #expect(invalidation.value == .array([.text("k")]))
        #expect(invalidation.payload == [])
        #expect(describe(try subscriptions.receive(.array([.text("pong"), .text("")]))) == "pong")
        #expect(describe(try subscriptions.receive(.status("PONG"))) == "pong")
    }

    @Test func endsWithTheLastSubscription() throws {
        var subscriptions = try subscribed()
        _ = subscriptions.begin(.unsubscribe, ["a", "b"], deadline: deadline, limit: deadline, waiter: "3")
        _ = subscriptions.begin(.punsubscribe, ["p*"], deadline: deadline, limit: deadline, waiter: "4")
        _ = try subscriptions.receive(confirmation("unsubscribe", "a"))
        #expect(describe(try subscriptions.receive(confirmation("unsubscribe", "b"))) == "confirmed 3")
        #expect(!subscriptions.isEmpty)
        #expect(describe(try subscriptions.receive(confirmation("punsubscribe", "p*", 0))) == "confirmed 4")
        #expect(subscriptions.isEmpty)
    }

    @Test func renewsAfterALossBeforeWhatWaits() throws {
        var subscriptions = try subscribed()
        // When the connection breaks, a half-confirmed subscription and the end of another are in flight.
        _ = subscriptions.begin(.subscribe, ["c", "d"], deadline: deadline, limit: deadline, waiter: "3")
        _ = subscriptions.begin(.unsubscribe, ["a"], deadline: deadline, limit: deadline, waiter: "4")
        _ = try subscriptions.receive(confirmation("subscribe", "c"))
        subscriptions.disconnected()
        #expect(subscriptions.begin(.subscribe, ["e"], deadline: deadline, limit: deadline, waiter: "5") == nil)

        let commands = subscriptions.connected(deadline: deadline).map(wire)
        #expect(commands.count == 5)
        let renewed = try #require(commands.first).split(separator: " ").map(String.init)
        #expect(renewed.first == "subscribe")
        #expect(Set(renewed.dropFirst()) == ["a", "b"])
        #expect(commands.dropFirst() == ["psubscribe p*", "subscribe c d", "unsubscribe a", "subscribe e"])
        for name in renewed.dropFirst() {
            #expect(describe(try subscriptions.receive(confirmation("subscribe", name))) == "progress")
        }
        #expect(describe(try subscriptions.receive(confirmation("psubscribe", "p*"))) == "resubscribed")
        #expect(describe(try subscriptions.receive(confirmation("subscribe", "c"))) == "progress")
        #expect(describe(try subscriptions.receive(confirmation("subscribe", "d"))) == "confirmed 3")
        #expect(describe(try subscriptions.receive(confirmation("unsubscribe", "a"))) == "confirmed 4")
        #expect(describe(try subscriptions.receive(confirmation("subscribe", "e"))) == "confirmed 5")
    }

    @Test func aSecondLossDuringTheRenewalLosesNothing() throws {
        var subscriptions = try subscribed()
        subscriptions.disconnected()
        _ = subscriptions.connected(deadline: deadline)
        subscriptions.disconnected()
        #expect(subscriptions.connected(deadline: deadline).count == 2)
    }

    @Test func aRefusalConcernsOneCall() throws {
        var subscriptions = try subscribed()
        _ = subscriptions.begin(.subscribe, ["x", "y"], deadline: deadline, limit: deadline, waiter: "3")
        _ = subscriptions.begin(.subscribe, ["z"], deadline: deadline, limit: deadline, waiter: "4")
        let refusal = RedisValue.error(RedisServerError(line: "NOPERM no permissions to access one of the channels"))
        #expect(describe(try subscriptions.receive(refusal)) == "refused 3 NOPERM")
        #expect(describe(try subscriptions.receive(confirmation("subscribe", "z"))) == "confirmed 4")
        subscriptions.disconnected()
        let renewed = try #require(subscriptions.connected(deadline: deadline).map(wire).first)
        #expect(Set(renewed.split(separator: " ").dropFirst()) == ["a", "b", "z"])
        let error = #expect(throws: RedisError.self) { try subscriptions.receive(refusal) }
        #expect(error?.code == .server)
    }

    @Test func expiresCalls() throws {
        func at(_ time: UInt64) -> NIODeadline { .uptimeNanoseconds(time) }
        var subscriptions = RedisSubscriptions<String>()
        #expect(subscriptions.begin(.subscribe, ["a"], deadline: at(10), limit: at(90), waiter: "1") == nil)
        #expect(subscriptions.begin(.subscribe, ["b"], deadline: at(30), limit: at(110), waiter: "2") == nil)
        #expect(subscriptions.begin(.subscribe, ["c"], deadline: at(30), limit: at(110), waiter: "3") == nil)
        #expect(subscriptions.earliestDeadline == at(10))
        #expect(subscriptions.expire(now: at(9)).waiters == [])
        var expired = subscriptions.expire(now: at(10))
        #expect(expired.waiters == ["1"])
        #expect(!expired.mustClose)

        // A connection gives more time for the confirmation, but not over and over.
        #expect(subscriptions.connected(deadline: at(100)).map(wire) == ["subscribe b", "subscribe c"])
        #expect(subscriptions.expire(now: at(30)).waiters == [])
        #expect(describe(try subscriptions.receive(confirmation("subscribe", "b"))) == "confirmed 2")
        subscriptions.disconnected()
        #expect(subscriptions.connected(deadline: at(200)).map(wire) == ["subscribe b", "subscribe c"])
        #expect(subscriptions.expire(now: at(109)).waiters == [])
        expired = subscriptions.expire(now: at(110))
        #expect(expired.waiters == ["3"])
        #expect(expired.mustClose)
        #expect(!subscriptions.isEmpty)
    }

    @Test(arguments: [
        RedisValue.null, .integer(1), .status("OK"), .text("message"), .array([]), .array([.integer(1)]),
        .array([.text("message"), .text("a")]), .array([.text("message"), .null, .text("x")]),
        .array([.text("pmessage"), .text("p"), .null, .text("x")]),
        .array([.text("subscribe"), .text("z"), .integer(1)]), .array([.text("unsubscribe"), .text("a"), .integer(1)]),
        .array([.text("subscribe"), .null, .integer(1)]), .array([.text("smessage"), .text("a"), .text("x")]),
    ]) func refusesWhatDoesNotBelong(_ reply: RedisValue) throws {
        var idle = try subscribed()
        #expect(throws: RedisError.self) { try idle.receive(reply) }
        var waiting = try subscribed()
        _ = waiting.begin(.subscribe, ["c"], deadline: deadline, limit: deadline, waiter: "3")
        #expect(throws: RedisError.self) { try waiting.receive(reply) }
    }

    /// A caller that gave up waiting while the server was away does not want the channel back when it returns.
    @Test func whatIsUnsubscribedInVainIsNotSubscribedAgain() throws {
        var expired = try subscribed()
        expired.disconnected()
        _ = expired.begin(.unsubscribe, ["a"], deadline: deadline, limit: deadline, waiter: "3")
        #expect(expired.expire(now: deadline).waiters == ["3"])
        #expect(expired.connected(deadline: deadline).map(wire) == ["subscribe b", "psubscribe p*"])
        var refused = try subscribed()
        refused.disconnected()
        _ = refused.begin(.punsubscribe, ["p*"], deadline: deadline, limit: deadline, waiter: "4")
        #expect(refused.removeWaiters() == ["4"])
        #expect(refused.connected(deadline: deadline).count == 1)
    }

    @Test func refusesAnErrorThatNothingAskedFor() throws {
        var subscriptions = try subscribed()
        let error = #expect(throws: RedisError.self) {
            try subscriptions.receive(.error(.init(code: "ERR", message: "")))
        }
        #expect(error?.code == .protocolViolation)
    }
}
#endif
