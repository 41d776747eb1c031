import CeleriacWire
import Testing

@testable import CeleryDialect

@Suite struct KombuKeysTests {
    /// kombu with `global_keyprefix` "pfx:", `sep` ":", `priority_steps` 0 to 9; a task of priority 5 was sent.
    @Test func prefixAndSeparatorAreKombus() throws {
        let capture = try Capture.named("x.redis.global_keyprefix_sep")
        let stored = try #require(capture["redis"]?.arrayValue)
        let keys = KombuKeys(prefix: "pfx:", separator: ":", prioritySteps: Array(0...9))
        #expect(
            stored.map { $0["key"]?.stringValue } == [
                keys.binding("celery"), keys.permanentBinding("celery"), keys.list("celery", priority: 5),
            ])
        let member = WireValue.string(keys.bindingMember(routingKey: "celery", queue: "celery"))
        #expect(stored[0]["value"] == [member] && stored[1]["value"] == [member])
    }

    /// The prefix stands unchanged before every key, unlike that of results.
    @Test func everyKeyHasThePrefix() {
        let keys = KombuKeys(prefix: "pfx")
        let all = [
            keys.unacked, keys.unackedIndex, keys.unackedMutex, keys.list("q", step: 0), keys.list("q", step: 3),
            keys.handover(ofList: keys.list("q", step: 0)), keys.parked("q"), keys.attempts("t"), keys.binding("e"),
            keys.permanentBinding("e"), keys.bindingDeadlines, keys.channel("e", database: 2),
        ]
        let plain = KombuKeys()
        let bare = [
            plain.unacked, plain.unackedIndex, plain.unackedMutex, plain.list("q", step: 0), plain.list("q", step: 3),
            plain.handover(ofList: plain.list("q", step: 0)), plain.parked("q"), plain.attempts("t"),
            plain.binding("e"), plain.permanentBinding("e"), plain.bindingDeadlines, plain.channel("e", database: 2),
        ]
        #expect(all == bare.map { "pfx" + $0 })
        #expect(bare[3] == "q" && bare[4] == "q\u{06}\u{16}3")
    }

    @Test func claimsAndChannelsMayHaveOtherNames() {
        var options = CeleryRedisOptions(keyPrefix: "p:")
        #expect(options.keys.channel("e", routingKey: "k", database: 2) == "p:/2.e/k")
        options.claimKeys.messages = "held"
        options.claimKeys.index = "held.index"
        options.claimKeys.mutex = "held.lock"
        options.fanoutPrefix = "{db}:fan:"
        options.channelsHaveRoutingKeys = false
        let keys = options.keys
        #expect([keys.unacked, keys.unackedIndex, keys.unackedMutex] == ["p:held", "p:held.index", "p:held.lock"])
        #expect(keys.channel("e", routingKey: "k", database: 2) == "p:2:fan:e")
    }

    @Test func priorityGoesToTheStepBelow() {
        let keys = KombuKeys()
        let lists = [0, 2, 3, 5, 6, 8, 9, 200].map { keys.list("q", priority: $0) }
        let steps = [0, 0, 3, 3, 6, 6, 9, 9] as [UInt8]
        #expect(lists == steps.map { keys.list("q", step: $0) })
    }
}
