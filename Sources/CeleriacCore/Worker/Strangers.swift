/// What a worker remembers of messages whose tasks it does not know, so that it can give each back later and later.
///
/// What it remembers is bounded, because names and ids come from outside. It forgets the oldest half of the messages.
/// The few that it meets again and again, those at the front of a queue, it does not forget.
struct Strangers {
    /// How often each message was seen, by the hash of its id. Those seen least recently are in the older half.
    private var recent: [Int: Int] = [:]
    private var older: [Int: Int] = [:]
    private var names: Set<String> = []
    private let limit: Int

    /// Makes an empty memory.
    ///
    /// - Parameter limit: how many messages each half has at most, and how many names there are at most.
    init(limit: Int = 5000) { self.limit = limit }

    /// Notes that a message is seen.
    ///
    /// - Returns: how often it was seen before.
    mutating func timesSeen(_ id: String) -> Int {
        let key = id.hashValue
        let times = recent[key] ?? older[key] ?? 0
        if recent[key] == nil, recent.count >= limit { (older, recent) = (recent, [:]) }
        recent[key] = times + 1
        return times
    }

    /// Notes a task's name.
    ///
    /// - Returns: whether it is seen for the first time; false once there are too many names.
    mutating func isNew(name: String) -> Bool { names.count < limit && names.insert(name).inserted }
}
