/// How often messages were put back by this process: a classic queue tells only that a message was delivered before.
struct RequeueCounts: Sendable {
    private var counts: [[UInt8]: Int] = [:]
    /// In the order in which they were first put back.
    private var order: [[UInt8]] = []
    private let limit = 10_000

    /// Counts one more time.
    mutating func add(_ body: [UInt8]) {
        if counts[body] == nil {
            order.append(body)
            if order.count > limit { counts[order.removeFirst()] = nil }
        }
        counts[body, default: 0] += 1
    }

    /// How often it was put back.
    func count(of body: [UInt8]) -> Int { counts[body] ?? 0 }

    /// Forgets a message that was dealt with.
    mutating func remove(_ body: [UInt8]) {
        guard counts.removeValue(forKey: body) != nil else { return }
        order.removeAll { $0 == body }
    }
}
