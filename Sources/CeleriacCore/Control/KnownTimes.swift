import DequeModule

import struct FoundationEssentials.Date

/// When tasks run whose messages the broker keeps until then, by their ids. Past its limit it forgets the oldest.
struct KnownTimes: Sendable {
    private let limit: Int
    private var times: [String: Date] = [:]
    private var order = Deque<String>()

    init(limit: Int) { self.limit = limit }

    subscript(id: String) -> Date? { times[id] }

    mutating func note(_ id: String, at time: Date) {
        if times.updateValue(time, forKey: id) == nil { order.append(id) }
        while times.count > limit, let oldest = order.popFirst() { times[oldest] = nil }
    }
}
