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

    /// All lists that were ever served: claims name their list by its place here.
    private(set) var lists: [List] = []
    /// The places of the lists that are served: step by step, in each step queue by queue.
    private var served: [[Int]]
    private let keys: KombuKeys

    init(queues: [String], keys: KombuKeys) {
        self.keys = keys
        served = keys.prioritySteps.map { _ in [] }
        for queue in queues { add(queue) }
    }

    /// How many queues are served.
    var queueCount: Int { served.first?.count ?? 0 }

    /// The places of all lists that are served.
    var servedPlaces: [Int] { served.flatMap { $0 } }

    mutating func add(_ queue: String) {
        for (index, step) in keys.prioritySteps.enumerated() {
            let key = keys.list(queue, step: step)
            let place =
                lists.firstIndex { $0.key == key }
                ?? {
                    lists.append(
                        List(
                            queue: queue, key: key, handoverKey: keys.handover(ofList: key),
                            claimSuffix: ", \"\", \(JSONText.quoted(queue))]"))
                    return lists.count - 1
                }()
            if !served[index].contains(place) { served[index].append(place) }
        }
    }

    /// Serves a queue no more.
    ///
    /// - Returns: the places of its lists.
    mutating func remove(_ queue: String) -> [Int] {
        var removed: [Int] = []
        for index in served.indices {
            removed += served[index].filter { lists[$0].queue == queue }
            served[index].removeAll { lists[$0].queue == queue }
        }
        return removed
    }

    /// The order of the lists when the queues take turns: in each step begins with the queue of that number.
    func order(startingAtQueue start: Int) -> [Int] {
        guard queueCount > 1 else { return servedPlaces }
        return served.flatMap { places in
            places.indices.map { places[(start + $0) % places.count] }
        }
    }
}
