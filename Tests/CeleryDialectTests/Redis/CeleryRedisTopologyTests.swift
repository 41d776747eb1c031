#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacWire
import CeleryWire
import Testing

@testable import CeleriacQueues
@testable import CeleryDialect

/// How a consumer reads a server's answers, without a server.
@Suite struct CeleryRedisTopologyTests {
    private let topology = CeleryRedisTopology(options: CeleryRedisOptions(prioritySteps: [0, 3]))

    private func attempt() -> RedisClaimAttempt {
        RedisClaimAttempt(
            lists: ["a", "b"].flatMap(topology.lists), firstSerial: 7, limit: 10, tagPrefix: "me.", epoch: 0,
            time: 1)
    }

    @Test func aQueueHasAListForEachStep() {
        #expect(topology.lists(of: "a").map(\.key) == ["a", "a\u{06}\u{16}3"])
        #expect(topology.lists(of: "a").map(\.scriptKeys.first) == ["a.handover", "a\u{06}\u{16}3.handover"])
    }

    @Test func readsClaimsAndPassesOverWhatIsNone() {
        // Each list has two keys: its handover list, then the list itself.
        let reply = RedisValue.array([
            .integer(0), .bulk([1]), .null, .bulk([2]), .integer(3), .bulk([3]), .integer(99), .bulk([4]),
            .integer(-5), .bulk([5]), .integer(.min), .null, .integer(7), .bulk([6]), .integer(1),
        ])
        let claims = topology.claims(in: reply, of: attempt())
        #expect(claims.map(\.tag) == ["me.7", "me.9", "me.13"])
        #expect(claims.map(\.serial) == [7, 9, 13])
        #expect(claims.map(\.list.key) == ["a", "a\u{06}\u{16}3", "b\u{06}\u{16}3"])
        #expect(claims.map(\.payload) == [[1], [3], [6]])
        for reply in [RedisValue.null, .array([]), .array([.integer(0)]), .integer(3), .bulk([1])] {
            #expect(topology.claims(in: reply, of: attempt()).isEmpty)
        }
    }

    @Test func findsTheListOfAStoredClaim() {
        func claim(_ stored: String) -> RedisClaim? {
            topology.claim(2, stored: Array(stored.utf8), of: attempt())
        }
        let found = claim(#"[{"x": 1}, "", "b"]"#)
        #expect(found?.list.queue == "b" && found?.tag == "me.9")
        #expect(found.map { String(decoding: $0.payload, as: UTF8.self) } == #"{"x": 1}"#)
        for stored in ["", "[", #", "", "b"]"#, #"[{"x": 1}, "", "c"]"#, #"{}, "", "b"]"#] {
            #expect(claim(stored)?.tag == nil, "\(stored)")
        }
    }

    @Test func findsTheListOfAStoredClaimByThePriorityOfItsMessage() throws {
        for (priority, step) in [(nil, ""), (2, ""), (5, "\u{06}\u{16}3")] as [(UInt8?, String)] {
            var message = WireMessage(body: Array("[[], {}, {}]".utf8))
            message.properties.priority = priority
            let envelope = try KombuEnvelope(message: message, routingKey: "b", deliveryTag: "t").encode()
            let stored = Array("[".utf8) + envelope + Array(#", "", "b"]"#.utf8)
            let found = topology.claim(0, stored: stored, of: attempt())
            #expect(found?.list.key == "b" + step && found?.payload == envelope)
        }
    }

    @Test func whatCannotBeReadIsDeliveredWithTheReasonAndParkedRatherThanPutBack() {
        let claim = attempt().claim(0, from: attempt().lists[0], payload: Array("{".utf8))
        let (delivery, counter) = topology.delivery(of: claim)
        #expect(counter == nil && delivery.receipt == Receipt(generation: 0, tag: 7))
        #expect(throws: MessageFault.self) { try delivery.content.get() }
        var parked: [UInt64] = []
        let endings = topology.giveBack([claim]) { claim, _ in
            parked.append(claim.serial)
            return ClaimEnding([claim.serial], [])
        }
        #expect(parked == [7] && endings.map(\.serials) == [[7]])
    }

    @Test func whatCannotBeReadButSaysWhoseTaskItIsIsPutBackAsItIs() throws {
        let payload = Array(#"{"body": 5, "headers": {"id": "a", "task": "t"}, "properties": {}}"#.utf8)
        let claim = attempt().claim(0, from: attempt().lists[0], payload: payload)
        var parked: [UInt64] = []
        let endings = topology.giveBack([claim]) { claim, _ in
            parked.append(claim.serial)
            return ClaimEnding([claim.serial], [])
        }
        #expect(parked.isEmpty && endings.map(\.serials) == [[7]])
    }
}

#endif
