/// Where states and results are kept, in one dialect's layout.
///
/// Implement it to bring a store of your own. A store moves bytes; the dialect reads and writes them. The contract:
///
/// * All calls may come at the same time, from clients and from a worker. A worker has one ``store(_:)`` and one
///   ``perform(_:)`` under way at a time.
/// * What ``store(_:)`` has returned from is there for the next ``fetch(_:)``, whoever asks.
/// * A ``CeleriacError`` with code `unavailable` says that the store is out of reach: a worker keeps its messages and tries
///   again until it stops. After any other error it tries each record alone; a record that is refused time and again has
///   its message parked. Both mean that a call which threw may come again, so each must be safe to repeat.
/// * A caller that is cancelled stops waiting; a store may finish what it has begun.
/// * The client or the application that was given the store closes it, once nobody uses it any more.
public protocol ResultStore: Sendable {
    /// A name for logs: scheme, host and port or folder, without credentials.
    var name: String { get }

    /// The queue on which this client's results arrive, for stores that answer there; empty for the others.
    var replyTo: String { get }

    /// Whether the store throws away what it is given. A worker stores nothing in such a store.
    var discardsResults: Bool { get }

    /// Whether a result is delivered once, to the queue of ``replyTo``, rather than kept to be fetched.
    var deliversOnce: Bool { get }

    /// Whether results go away by themselves when they expire. For other stores a beat sends a task every night that
    /// deletes them.
    var expiresByItself: Bool { get }

    /// Whether the store counts the parts of chords: see ``perform(_:)``. Where it does not, dialects do without or look
    /// after chords by other means.
    var countsChords: Bool { get }

    /// How often to ask a store that tells nobody when something is stored in it; nil for a store that tells.
    var pollInterval: Duration? { get }

    // MARK: States

    /// Stores states, in one round trip, in their order. A stored success is never overwritten.
    func store(_ records: [ResultRecord]) async throws

    /// Makes sure that what is stored for these tasks from now on is passed to `sink`.
    ///
    /// Callers do this before they read with ``fetch(_:)``, so that no result falls between the two. A store that answers
    /// on a queue is asked to watch no tasks at all before the first task is sent: it must have its queue by then.
    func watch(_ taskIDs: [String], sink: any ResultSink) async throws

    /// Ends ``watch(_:sink:)`` for these tasks. Does not wait.
    func unwatch(_ taskIDs: [String])

    /// The stored states of these tasks, in their order; nil where there is none.
    func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?]

    /// Deletes what is stored for these tasks.
    func forget(_ taskIDs: [String]) async throws

    /// Deletes results that were stored longer ago than `age`, in a store where they do not expire by themselves.
    func removeResults(olderThan age: Duration) async throws

    // MARK: Chords

    /// Carries out operations of chords, in their order and in as few round trips as the store allows. Called only where
    /// ``countsChords`` is true.
    ///
    /// An ``ChordOperation/add(_:)`` that makes the header complete completes the chord for one worker: the first to see
    /// it. Where the same part is added again, with the same token, because the answer was lost, it completes the chord
    /// again, until the chord is closed. A store that gives the claim for a time only tells others how long it lasts, see
    /// ``ChordCompletion/heldFor``.
    ///
    /// - Returns: for each operation, in their order, what it completed, if anything.
    /// - Throws: ``CeleriacError`` with code `unsupported` where chords are not counted; `unavailable`, `resultStore`.
    func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?]

    // MARK: Groups

    /// Stores which results belong to a group, so that it can be found again by its id.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where groups are not kept.
    func storeGroup(_ id: String, payload: [UInt8], expiry: Duration?) async throws

    /// Returns what ``storeGroup(_:payload:expiry:)`` stored, or nil.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where groups are not kept.
    func fetchGroup(_ id: String) async throws -> [UInt8]?

    /// Deletes what ``storeGroup(_:payload:expiry:)`` stored. The results stay.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where groups are not kept.
    func forgetGroup(_ id: String) async throws

    /// Closes what the store holds open. Calls after it throw.
    func close() async
}

/// Who is told of results as they arrive.
public protocol ResultSink: Sendable {
    /// States that were stored or that arrived, in their order.
    func receive(_ updates: [(taskID: String, payload: [UInt8])])

    /// The connection on which updates arrive was lost and is back: what is still waited for must be fetched again.
    func updatesMayBeMissing()
}

extension ResultStore {
    /// False.
    public var discardsResults: Bool { false }

    /// True.
    public var expiresByItself: Bool { true }

    /// False.
    public var countsChords: Bool { false }

    /// None: the store tells.
    public var pollInterval: Duration? { nil }

    /// Does nothing: they expire by themselves.
    public func removeResults(olderThan age: Duration) async throws {}

    /// Refuses.
    public func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?] {
        throw CeleriacError(.unsupported, "\(name) does not count the parts of chords")
    }

    /// Refuses.
    public func storeGroup(_ id: String, payload: [UInt8], expiry: Duration?) async throws { throw keepsNoGroups }

    /// Refuses.
    public func fetchGroup(_ id: String) async throws -> [UInt8]? { throw keepsNoGroups }

    /// Refuses.
    public func forgetGroup(_ id: String) async throws { throw keepsNoGroups }

    private var keepsNoGroups: CeleriacError {
        CeleriacError(
            .unsupported, "\(name) keeps no groups: use a result store that does, such as redis:// or file://")
    }
}
