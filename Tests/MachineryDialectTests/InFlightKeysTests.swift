#if Redis
import CeleriacRedis
import Testing

@testable import MachineryDialect

@Suite struct InFlightKeysTests {
    @Test(arguments: ["machinery_tasks", "{app}.tasks", "a}b", "{}x", "x{", "", "kö"])
    func lieInTheSlotOfTheirQueue(_ queue: String) {
        let keys = InFlightKeys(queue: queue, inCluster: true)
        let all = keys.all + [keys.epoch("e"), keys.moved([1, 2])]
        #expect(Set(all.map { RedisSlot(ofKey: $0) }).count == 1, "\(all)")
        #expect(Set(all).count == all.count)
    }

    @Test func haveTheQueueAsTheirTagInAClusterAlone() {
        #expect(InFlightKeys(queue: "q", inCluster: true).claims == "{q}.celeriac.claims")
        #expect(InFlightKeys(queue: "{app}.q", inCluster: true).parked == "{app}.q.parked")
        #expect(InFlightKeys(queue: "q", inCluster: false).all.contains("q.celeriac.claimed"))
    }
}
#endif
