import CeleriacCore
import Synchronization

/// A queue that is emptied in batches and takes only so many elements.
final class BoundedLane<Element: Sendable>: Sendable {
    private let lane = Lane<Element>()
    private let count = Atomic(0)
    private let limit: Int

    init(limit: Int) {
        self.limit = limit
    }

    /// Adds an element. False where there is no room for it.
    func put(_ element: Element) -> Bool {
        guard count.load(ordering: .relaxed) < limit else { return false }
        count.add(1, ordering: .relaxed)
        lane.put(element)
        return true
    }

    /// Waits for elements and takes all of them; nil once the lane is closed and empty.
    func take() async -> [Element]? {
        let elements = await lane.take()
        count.subtract(elements.count, ordering: .relaxed)
        return elements.isEmpty ? nil : elements
    }

    func close() { lane.close() }
}
