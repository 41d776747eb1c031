#if Redis
/// A list in Redis that messages are claimed from.
package final class RedisQueueList: Sendable {
    /// The queue that the list belongs to.
    package let queue: String
    /// The list's key.
    package let key: String
    /// The keys that the dialect's scripts receive for this list.
    package let scriptKeys: [String]
    /// The text that closes a stored claim of this list, if the dialect stores claims with a suffix behind the message.
    package let closing: String

    /// Creates a list.
    package init(queue: String, key: String, scriptKeys: [String], closing: String = "") {
        self.queue = queue
        self.key = key
        self.scriptKeys = scriptKeys
        self.closing = closing
    }
}

/// The lists that a consumer claims from, in the order in which it serves them.
///
/// Each queue has one list for each priority step. The lists of the first step are served before those of the next;
/// within a step, the queues take turns at being first.
package struct ServedLists: Sendable {
    private struct Queue: Sendable {
        let name: String
        let lists: [RedisQueueList]
    }

    private var queues: [Queue] = []
    private var turn = 0

    package init() {}

    /// Whether no queue is served.
    package var isEmpty: Bool { queues.isEmpty }

    /// The lists in serving order: step by step, and within a step queue by queue.
    package var all: [RedisQueueList] { lists(startingAt: 0) }

    /// Serves a queue, unless it is served already, with a list for each priority step.
    package mutating func add(_ queue: String, lists: [RedisQueueList]) {
        guard !queues.contains(where: { $0.name == queue }) else { return }
        queues.append(Queue(name: queue, lists: lists))
    }

    /// Stops serving a queue.
    package mutating func remove(_ queue: String) {
        queues.removeAll { $0.name == queue }
    }

    /// The lists in the order of the next claim, which starts with a different queue each time.
    package mutating func takeTurn() -> [RedisQueueList] {
        let first = turn
        turn = (turn + 1) % max(1, queues.count)
        return lists(startingAt: first)
    }

    private func lists(startingAt first: Int) -> [RedisQueueList] {
        let steps = queues.map(\.lists.count).max() ?? 0
        return (0..<steps).flatMap { step in
            queues.indices.compactMap { offset in
                let lists = queues[(first + offset) % queues.count].lists
                return lists.indices.contains(step) ? lists[step] : nil
            }
        }
    }
}
#endif
