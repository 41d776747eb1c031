import CeleriacCore

/// The notes that a route holds, by the tasks whose results it waits for. It is a value, and settles nothing: what leaves it
/// is the caller's to settle.
///
/// The broker may deliver a note again, because it has taken back the first delivery: its connection was lost, or its claim
/// has expired. And there may be two notes about one task, because the bridge that has forwarded it died before it could
/// acknowledge its message. So every delivery is held until the reply is given, and none is dropped as a duplicate.
struct HeldNotes: Sendable {
    /// A note that is held.
    struct Held: Sendable {
        /// What is awaited: of a workflow that has gone on, the step that is under way.
        let note: BridgeNote
        /// Whether another bridge may have begun to answer.
        fileprivate(set) var mayBeAnswered: Bool
        /// What ends with it.
        fileprivate var copies: [Copy]
        /// The tasks that are named by the notes at the broker: those of a workflow's first steps.
        fileprivate var origins: Set<String>
    }

    /// One delivery of a note.
    fileprivate struct Copy: Sendable {
        /// The note's key.
        var key: String
        var receipt: Receipt
    }

    /// What has become of a delivery.
    enum Arrival: Sendable, Equatable {
        /// Its task is awaited from now on.
        case new(String)
        /// Its task is awaited already. Of its other deliveries by the same connection the broker may have taken some back.
        case known(String, others: [Receipt])
    }

    private var held: [String: Held] = [:]
    /// The step that is awaited now, by the task that a note at the broker names.
    private var steps: [String: String] = [:]

    /// How many tasks are awaited.
    var count: Int { held.count }

    /// All of them.
    var all: [Held] { Array(held.values) }

    /// What is held about a task that is awaited.
    subscript(id: String) -> Held? { held[id] }

    /// Whether a note with a key is held about a task.
    func holds(_ key: String, about id: String) -> Bool {
        held[id]?.copies.contains { $0.key == key } ?? false
    }

    /// Holds a delivery of a note.
    mutating func take(_ note: BridgeNote, _ delivery: Delivery) -> Arrival {
        let copy = Copy(key: note.key, receipt: delivery.receipt)
        let id = steps[note.targetID] ?? note.targetID
        guard var known = held[id] else {
            held[id] = Held(
                note: note, mayBeAnswered: note.repeats || delivery.redelivered, copies: [copy], origins: [id])
            return .new(id)
        }
        // What came by another connection the broker has taken back, and delivers again.
        known.copies.removeAll { $0.receipt.generation != delivery.receipt.generation }
        let others = known.copies.map(\.receipt)
        known.copies.append(copy)
        known.origins.insert(note.targetID)
        known.mayBeAnswered = true
        held[id] = known
        return .known(id, others: others)
    }

    /// Forgets deliveries that the broker has taken back.
    mutating func drop(_ receipts: [Receipt], of id: String) {
        held[id]?.copies.removeAll { receipts.contains($0.receipt) }
    }

    /// Goes on to the next step of a workflow. The notes at the broker stay those of its first one: whoever gets them goes
    /// through the steps again, whose results are there.
    ///
    /// - Returns: whether the step is not awaited yet.
    mutating func advance(_ id: String, to next: BridgeNote) -> Bool {
        guard let last = held.removeValue(forKey: id) else { return false }
        for origin in last.origins { steps[origin] = next.targetID }
        if var known = held[next.targetID] {
            known.copies += last.copies
            known.origins.formUnion(last.origins)
            known.mayBeAnswered = true
            held[next.targetID] = known
            return false
        }
        held[next.targetID] = Held(
            note: next, mayBeAnswered: last.mayBeAnswered, copies: last.copies, origins: last.origins)
        return true
    }

    /// Awaits a task no longer.
    ///
    /// - Returns: the deliveries to settle.
    mutating func end(_ id: String) -> [Receipt] {
        guard let ended = held.removeValue(forKey: id) else { return [] }
        for origin in ended.origins { steps[origin] = nil }
        return ended.copies.map(\.receipt)
    }

    /// Ends the notes with a key: their task was never sent. Those with other keys, which are about the same task sent once
    /// more, are held on.
    ///
    /// - Returns: the deliveries to settle, and whether the task is still awaited.
    mutating func withdraw(_ key: String, from id: String) -> (receipts: [Receipt], isAwaited: Bool) {
        guard var known = held[id] else { return ([], false) }
        let receipts = known.copies.filter { $0.key == key }.map(\.receipt)
        known.copies.removeAll { $0.key == key }
        held[id] = known
        guard known.copies.isEmpty else { return (receipts, true) }
        _ = end(id)
        return (receipts, false)
    }
}
