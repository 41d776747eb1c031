import Synchronization

/// A queue with a limited number of elements, which its reader takes in batches.
package final class BoundedLane<Element: Sendable>: Sendable {
    private let lane = Lane<Element>()
    private let count = Atomic(0)
    private let limit: Int

    /// Makes a queue with room for `limit` elements.
    package init(limit: Int) {
        self.limit = limit
    }

    /// Adds an element; returns false if there is no room for it.
    package func put(_ element: Element) -> Bool {
        guard count.load(ordering: .relaxed) < limit else { return false }
        count.add(1, ordering: .relaxed)
        lane.put(element)
        return true
    }

    /// Waits for elements and takes all of them; nil once the lane is closed and empty.
    package func take() async -> [Element]? {
        let elements = await lane.take()
        count.subtract(elements.count, ordering: .relaxed)
        return elements.isEmpty ? nil : elements
    }

    /// Ends the queue: what is in it can still be taken.
    package func close() { lane.close() }
}
