import Testing

@testable import CeleryDialect

@Suite struct QueueListsTests {
    private let keys = KombuKeys(separator: "-", prioritySteps: [0, 3])

    @Test func servesStepByStepAndTakesTurns() {
        let lists = QueueLists(queues: ["a", "b"], keys: keys)
        #expect(names(lists, from: 0) == ["a", "b", "a-3", "b-3"])
        #expect(names(lists, from: 1) == ["b", "a", "b-3", "a-3"])
    }

    @Test func changesKeepThePlacesOfClaims() {
        var lists = QueueLists(queues: ["a", "b"], keys: keys)
        let before = lists.lists.map(\.key)
        #expect(lists.remove("a").map { lists.lists[$0].key } == ["a", "a-3"])
        #expect(lists.remove("a") == [] && lists.queueCount == 1)
        lists.add("c")
        #expect(names(lists, from: 0) == ["b", "c", "b-3", "c-3"])
        lists.add("a")
        lists.add("a")
        #expect(names(lists, from: 2) == ["a", "b", "c", "a-3", "b-3", "c-3"])
        #expect(Array(lists.lists.map(\.key).prefix(before.count)) == before && lists.lists.count == 6)
        for queue in ["a", "b", "c"] { _ = lists.remove(queue) }
        #expect(lists.queueCount == 0 && names(lists, from: 0) == [])
    }

    private func names(_ lists: QueueLists, from start: Int) -> [String] {
        lists.order(startingAtQueue: start).map { lists.lists[$0].key }
    }
}
