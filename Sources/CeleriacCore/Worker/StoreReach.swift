import struct FoundationEssentials.Date

/// Whether a result store is within reach, as far as what a worker asks of it shows.
///
/// A store is out of reach once it has not answered, or has only failed to be reached, for ``patience``. It is back with
/// its first answer. A refusal is an answer, unless the store refuses everything.
struct StoreReach: Sendable {
    /// What a worker has to be told.
    enum News: Sendable, Equatable {
        /// The store is out of reach.
        case lost(since: Date, reason: String)
        /// The store is back after so many seconds.
        case back(after: Double)
    }

    /// For how many seconds a store may be silent or fail before that counts as an outage.
    static let patience = 3.0
    /// Clocks that count differently disagree about fractions of a second.
    private static let tolerance = 0.002

    /// When the call that is under way began, for each of those who ask; nil where none is.
    private var begun: [Date?]
    private var lastAnswer = Date.distantPast
    private var lastFailure: String?
    /// Since when no call has reached the store; nil if the last one did.
    private(set) var troubleTime: Date?
    /// Whether that counts as an outage.
    private(set) var isOut = false

    /// Makes the state of a store that nobody has asked.
    ///
    /// - Parameter askers: how many may have a call under way at once.
    init(askers: Int) { begun = Array(repeating: nil, count: askers) }

    /// How many seconds the outage has lasted; nil if there is none.
    func outage(now: Date) -> Double? {
        guard isOut, let troubleTime else { return nil }
        return max(0, now.timeIntervalSince(troubleTime))
    }

    /// When a store that has not answered by then is out of reach; nil if no call is under way, or if it is already.
    var dueTime: Date? {
        guard !isOut, let oldest = begun.lazy.compactMap({ $0 }).min() else { return nil }
        return (troubleTime ?? max(oldest, lastAnswer)).addingTimeInterval(Self.patience)
    }

    /// How long whoever tries again should pause at most, so that the outage is noticed in time; nil for any time.
    func longestPause(now: Date) -> Double? {
        guard !isOut, let troubleTime else { return nil }
        return max(0.05, Self.patience - now.timeIntervalSince(troubleTime))
    }

    /// Notes that a call begins.
    mutating func begin(_ asker: Int, now: Date) {
        if begun.indices.contains(asker) { begun[asker] = now }
    }

    /// Notes that a call has ended without any meaning for whether states can be stored.
    mutating func end(_ asker: Int) {
        if begun.indices.contains(asker) { begun[asker] = nil }
    }

    /// Notes that the store has answered a call.
    mutating func answered(_ asker: Int?, now: Date) -> News? {
        if let asker { end(asker) }
        let outage = outage(now: now)
        lastAnswer = now
        lastFailure = nil
        troubleTime = nil
        isOut = false
        return outage.map { .back(after: $0) }
    }

    /// Notes that a call has not reached the store.
    mutating func failed(_ asker: Int, reason: String, now: Date) -> News? {
        guard begun.indices.contains(asker) else { return nil }
        let beginning = begun[asker] ?? now
        begun[asker] = nil
        lastFailure = reason
        troubleTime = troubleTime ?? max(beginning, lastAnswer)
        return check(now: now)
    }

    /// Finds out whether the store has been out of reach for too long.
    mutating func check(now: Date) -> News? {
        guard !isOut else { return nil }
        let oldest = begun.lazy.compactMap { $0 }.min().map { max($0, lastAnswer) }
        guard let since = troubleTime ?? oldest, now.timeIntervalSince(since) >= Self.patience - Self.tolerance else {
            return nil
        }
        troubleTime = since
        isOut = true
        return .lost(since: since, reason: lastFailure ?? "it does not answer")
    }
}
