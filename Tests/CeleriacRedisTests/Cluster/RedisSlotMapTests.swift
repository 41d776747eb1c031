#if Redis
import Testing

@testable import CeleriacRedis

/// What `CLUSTER SLOTS` says.
@Suite struct RedisSlotMapTests {
    private let asked = RedisAddress(host: "seed", port: 7000)

    private func node(_ host: RedisValue, _ port: Int64) -> RedisValue {
        .array([host, .integer(port), .text("id"), .array([])])
    }

    private func owner(_ number: Int, _ map: RedisSlotMap) -> RedisAddress? {
        RedisSlot(number: number).flatMap { map[$0] }
    }

    @Test func namesNodesAndReplicas() throws {
        let reply = RedisValue.array([
            .array([.integer(0), .integer(5460), node(.text("a"), 1), node(.text("b"), 2)]),
            .array([.integer(5461), .integer(16_382), node(.text("c"), 3)]),
        ])
        let map = try #require(RedisSlotMap(reply, from: asked))
        let (a, b, c) = (
            RedisAddress(host: "a", port: 1), RedisAddress(host: "b", port: 2), RedisAddress(host: "c", port: 3)
        )
        #expect(map.nodes == [a, b, c])
        #expect([0, 5460, 5461, 16_382, 16_383].map { owner($0, map) } == [a, a, c, c, nil])
    }

    @Test func takesTheHostOfTheOneAskedForNone() throws {
        for host in [RedisValue.null, .text(""), .text("?")] {
            let reply = RedisValue.array([.array([.integer(0), .integer(1), node(host, 7001)])])
            #expect(RedisSlotMap(reply, from: asked)?.nodes == [RedisAddress(host: "seed", port: 7001)])
        }
    }

    @Test func refusesWhatNamesNobody() {
        for reply in [
            .null, .array([]), .text("slots"), .array([.integer(1)]),
            .array([.array([.integer(0), .integer(1)])]),
            .array([.array([.integer(-1), .integer(1), node(.text("a"), 1)])]),
            .array([.array([.integer(2), .integer(1), node(.text("a"), 1)])]),
            .array([.array([.integer(0), .integer(16_384), node(.text("a"), 1)])]),
            .array([.array([.integer(0), .integer(1), node(.text("a"), 0)])]),
            .array([.array([.integer(0), .integer(1), node(.text("a"), 65_536)])]),
        ] as [RedisValue] {
            #expect(RedisSlotMap(reply, from: asked) == nil, "\(reply)")
        }
    }

    @Test func learnsFromRedirections() throws {
        let slot = try #require(RedisSlot(number: 7))
        var map = RedisSlotMap()
        #expect(owner(7, map) == nil && map.nodes.isEmpty)
        map.learn(slot, at: asked)
        #expect(owner(7, map) == asked && owner(8, map) == nil)
        map.learn(slot, at: RedisAddress(host: "other", port: 1))
        #expect(owner(7, map)?.host == "other" && map.nodes.count == 2)
    }

    @Test func allConnectionsOfAConfigurationHaveTheNodesInCommon() throws {
        var configuration = RedisConfiguration(host: "a", port: 1)
        #expect(configuration.inTurn.host == "a")
        configuration.seeds = [RedisAddress(host: "b", port: 2)]
        let copy = configuration
        #expect(configuration.inTurn.host == "a")
        // What led nowhere is not tried next, but again after the others.
        copy.tryAnotherNext()
        #expect(configuration.inTurn.host == "b" && configuration.inTurn.seeds.isEmpty)
        copy.tryAnotherNext()
        #expect(configuration.inTurn.host == "a")
        copy.topology.learn(try #require(RedisSlot(number: 7)), at: RedisAddress(host: "c", port: 3))
        #expect(configuration.topology.isKnown && configuration.topology.nodesInTurn(besides: []).count == 1)
        var hosts: Set<String> = []
        for _ in 0..<3 {
            copy.tryAnotherNext()
            hosts.insert(configuration.inTurn.host)
        }
        #expect(hosts == ["a", "b", "c"])
        // A node has no other for it.
        #expect(configuration.node(RedisAddress(host: "d", port: 4)).inTurn.host == "d")
    }
}
#endif
