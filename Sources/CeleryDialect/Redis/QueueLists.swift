/// The lists that a consumer claims from, in the order in which they are served.
struct QueueLists: Sendable {
    /// One list.
    struct List: Sendable {
        let queue: String
        let key: String
        let handoverKey: String
        /// What closes `[envelope, exchange, routing_key]`, the value under which a claim is stored.
        let claimSuffix: String
    }

    /// Step by step, in each step queue by queue.
    let lists: [List]
    /// How many queues there are.
    let queueCount: Int

    init(queues: [String], keys: KombuKeys) {
        queueCount = queues.count
        lists = keys.prioritySteps.flatMap { step in
            queues.map { queue in
                let key = keys.list(queue, step: step)
                return List(
                    queue: queue, key: key, handoverKey: keys.handover(ofList: key),
                    claimSuffix: ", \"\", \(JSONText.quoted(queue))]")
            }
        }
    }

    /// The order of the lists when the queues take turns: in each step begins with the queue of that number.
    func order(startingAtQueue start: Int) -> [Int] {
        guard queueCount > 1 else { return Array(lists.indices) }
        return stride(from: 0, to: lists.count, by: queueCount).flatMap { first in
            (0..<queueCount).map { first + (start + $0) % queueCount }
        }
    }
}
