/// Where states and results are kept, in one dialect's layout.
///
/// Implement it to bring a store of your own. It moves bytes; the dialect reads and writes them.
public protocol ResultStore: Sendable {
    /// A name for logs: scheme, host and port or folder, without credentials.
    var name: String { get }

    /// The queue on which this client's results arrive, for stores that answer there; empty for the others.
    var replyTo: String { get }

    /// Whether a result is delivered once, to the queue of ``replyTo``, rather than kept to be fetched.
    var deliversOnce: Bool { get }

    /// Whether results go away by themselves when they expire. For other stores a beat sends a task every night that
    /// deletes them.
    var expiresByItself: Bool { get }

    /// Stores states, in one round trip. A stored success is never overwritten.
    func store(_ records: [ResultRecord]) async throws

    /// Makes sure that what is stored from now on for these tasks is passed to `sink`.
    ///
    /// Call it before reading with ``fetch(_:)``, so that no result falls between the two.
    func watch(_ taskIDs: [String], sink: any ResultSink) async throws

    /// Ends ``watch(_:sink:)`` for these tasks. Does not wait.
    func unwatch(_ taskIDs: [String])

    /// The stored states of these tasks; nil where there is none.
    func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?]

    /// Deletes what is stored for these tasks.
    func forget(_ taskIDs: [String]) async throws

    /// Stores which results belong to a group, so that it can be found again by its id.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where groups are not kept.
    func storeGroup(_ id: String, payload: [UInt8], expiry: Duration?) async throws

    /// What ``storeGroup(_:payload:expiry:)`` stored, or nil.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where groups are not kept.
    func fetchGroup(_ id: String) async throws -> [UInt8]?

    /// Deletes what ``storeGroup(_:payload:expiry:)`` stored. The results stay.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where groups are not kept.
    func forgetGroup(_ id: String) async throws

    /// Deletes results that were stored longer ago than `age`, in a store where they do not expire by themselves.
    func removeResults(olderThan age: Duration) async throws

    /// How often to ask a store that tells nobody of what is stored in it; nil for one that tells.
    var pollInterval: Duration? { get }

    /// Closes what the store holds open.
    func close() async
}

extension ResultStore {
    /// None: the store tells.
    public var pollInterval: Duration? { nil }

    /// True.
    public var expiresByItself: Bool { true }

    /// Does nothing: they expire by themselves.
    public func removeResults(olderThan age: Duration) async throws {}

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
