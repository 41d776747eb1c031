#if Redis
import Testing

@testable import CeleriacQueues

@Suite struct ServedListsTests {
    private func lists(_ queues: String...) -> ServedLists {
        var served = ServedLists()
        for queue in queues { add(queue, to: &served) }
        return served
    }

    private func add(_ queue: String, to served: inout ServedLists) {
        served.add(
            queue,
            lists: [queue, "\(queue)-3"].map {
                RedisQueueList(queue: queue, key: $0, scriptKeys: [])
            })
    }

    @Test func servesStepByStepAndTakesTurns() {
        var served = lists("a", "b")
        #expect(served.takeTurn().map(\.key) == ["a", "b", "a-3", "b-3"])
        #expect(served.takeTurn().map(\.key) == ["b", "a", "b-3", "a-3"])
        #expect(served.takeTurn().map(\.key) == ["a", "b", "a-3", "b-3"])
        #expect(served.all.map(\.key) == ["a", "b", "a-3", "b-3"])
    }

    @Test func changesKeepTheOrderOfTheOthers() {
        var served = lists("a", "b")
        served.remove("a")
        served.remove("a")
        #expect(served.all.map(\.key) == ["b", "b-3"])
        add("c", to: &served)
        #expect(served.all.map(\.key) == ["b", "c", "b-3", "c-3"])
        add("a", to: &served)
        add("a", to: &served)
        #expect(served.all.map(\.key) == ["b", "c", "a", "b-3", "c-3", "a-3"])
        _ = served.takeTurn()
        _ = served.takeTurn()
        #expect(served.takeTurn().map(\.key) == ["a", "b", "c", "a-3", "b-3", "c-3"])
    }

    @Test func servesNothingWithoutAQueue() {
        var served = lists("a", "b", "c")
        _ = served.takeTurn()
        _ = served.takeTurn()
        // It is the turn of a queue that is gone.
        for queue in ["b", "c"] { served.remove(queue) }
        #expect(!served.isEmpty && served.takeTurn().map(\.key) == ["a", "a-3"])
        served.remove("a")
        #expect(served.isEmpty && served.takeTurn().isEmpty && served.all.isEmpty)
    }
}
#endif
