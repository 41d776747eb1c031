/// Counts how often messages that had come back were begun, for a broker that cannot count that itself.
///
/// A message goes by a name that stays the same however often the broker delivers it. A count that is forgotten too
/// late, or never, does no harm for longer than a day: then it expires.
package protocol AttemptCounter: Sendable {
    /// How often each of these messages was begun after it had come back, in their order.
    func attempts(of names: [String]) async throws -> [Int]

    /// Counts that these messages begin.
    func count(_ names: [String]) async throws

    /// Takes back what was counted last, because the messages were given back in an orderly way. It returns at once.
    func uncount(_ names: [String])

    /// Forgets messages that were settled. It returns at once.
    func forget(_ names: [String])
}

/// A result store that can say when a worker begins that it is not to be used.
package protocol RefusingStore: ResultStore {
    /// Throws ``CeleriacError`` with code `configuration` if the store would refuse all results: the login, the database, the
    /// folder. A store that is out of reach is none of that: results wait for it. It asks no longer than five seconds.
    func checkUse() async throws
}

/// A result store with a server of its own, which can also count attempts.
package protocol AttemptCountingStore: RefusingStore {
    /// The counter, which lives as long as the store.
    var attemptCounter: any AttemptCounter { get }
}
