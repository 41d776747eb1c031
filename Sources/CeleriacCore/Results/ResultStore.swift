/// Keeps states and results, in one dialect's layout.
///
/// Implement it to bring a store of your own. A store moves bytes; the dialect reads and writes them.
///
/// **Order of calls.** A store may be used from the moment it is made until ``close()``, which comes last. It connects
/// on first use. Once ``store(_:)`` has returned, every later ``fetch(_:)`` finds what it stored, whoever asks. A
/// client calls ``watch(_:sink:)``, then ``fetch(_:)``, and ``unwatch(_:)`` when nobody waits for the task any more.
///
/// **Concurrency.** All methods may be called at the same time from any task, by clients and by workers. The effects of
/// a worker's outcomes come one ``store(_:)`` and one ``perform(_:)`` at a time. Those of messages that it parks come
/// beside them, also one at a time, though a worker waits three seconds for each at most; handlers that store a state of
/// their own call ``store(_:)`` beside both.
///
/// **Errors.** A ``CeleriacError`` with code `unavailable` says that the store is out of reach: a worker keeps its
/// messages and tries again until it stops. If that lasts for three seconds, or if a call takes that long, the worker
/// reports an outage (``TaskWorker/resultStoreOutage``). After any other error the worker tries the record of each task
/// alone; if the store refuses a record three times, the worker parks the task's message. A call that threw may
/// therefore come again, so every method must be safe to repeat.
///
/// **Cancellation.** A worker that is cancelled still stores how its tasks ended, so ``store(_:)``, ``perform(_:)`` and
/// ``close()`` may be called from a cancelled task and must work there. A caller that is cancelled while it waits for a
/// result calls ``unwatch(_:)``; the store may finish what it has begun.
///
/// **Closing.** The application or client that was given the store closes it, after its workers have ended. A worker
/// does not close it.
public protocol ResultStore: Sendable {
    /// A name for logs: scheme, host and port or folder, without credentials.
    var name: String { get }

    /// The queue on which this client's results arrive, for stores that answer there; empty for the others.
    var replyTo: String { get }

    /// Whether the store discards everything. A worker stores nothing in such a store.
    var discardsResults: Bool { get }

    /// Whether a result is delivered once, to the queue of ``replyTo``, rather than kept to be fetched.
    var deliversOnce: Bool { get }

    /// Whether ``fetch(_:)`` removes what it returns, so that only callers that wait for results should call it. A
    /// worker then does not look whether the task of a message that it parks has ended before.
    var fetchingRemoves: Bool { get }

    /// Whether the store deletes results by itself when they expire. For other stores a beat sends a task every night
    /// that deletes them.
    var expiresByItself: Bool { get }

    /// Whether the store counts the parts of chords: see ``perform(_:)``. With other stores a dialect does without
    /// chords, or finds out by other means when one is complete.
    var countsChords: Bool { get }

    /// How often a client reads a store that does not notify it of results; nil for a store that calls the sink.
    var pollInterval: Duration? { get }

    // MARK: States

    /// Stores states, in one round trip and in their order. Whether a later state may overwrite a success is as with
    /// the peer's own store: Celery's never lets it, Machinery's does.
    ///
    /// - Throws: an error if any of the states may not have been stored; see **Errors** above.
    func store(_ records: [ResultRecord]) async throws

    /// Passes what is stored for these tasks from now on to `sink`.
    ///
    /// Callers do this before they read with ``fetch(_:)``, so that no result falls between the two. Before a client
    /// sends tasks, it asks a store that answers on a queue to watch an empty list: the queue must exist when the call
    /// returns.
    ///
    /// - Parameters:
    ///   - taskIDs: the tasks to watch. A task that is watched already stays watched.
    ///   - sink: who is told of the states.
    /// - Throws: an error if the store cannot promise to pass them on. The caller's wait, or its sending, ends with it.
    func watch(_ taskIDs: [String], sink: any ResultSink) async throws

    /// Ends ``watch(_:sink:)`` for these tasks. It returns at once, and must not call a sink before it returns: the
    /// caller holds a lock.
    func unwatch(_ taskIDs: [String])

    /// Returns the stored states of these tasks, in their order; nil for a task without one.
    ///
    /// - Throws: an error if the store cannot be read. A client that has begun to poll polls again after `unavailable`;
    ///   otherwise the caller gets the error.
    func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?]

    /// Deletes what is stored for these tasks. Tasks without a stored state are skipped.
    func forget(_ taskIDs: [String]) async throws

    /// Deletes results that were stored longer ago than `age`, in a store where they do not expire by themselves.
    func removeResults(olderThan age: Duration) async throws

    // MARK: Chords

    /// Carries out operations of chords, in their order and in as few round trips as the store allows. Called only
    /// where ``countsChords`` is true.
    ///
    /// An ``ChordOperation/add(_:)`` that completes the header gives one worker, the first to add the last part, the
    /// right to publish the body. If that worker adds the same part again, because the answer was lost, the store
    /// returns the completion again, until the chord is closed or the worker ends. A store whose claims expire tells
    /// other workers how long the claim still lasts, see ``ChordCompletion/heldFor``.
    ///
    /// - Parameter operations: the operations, which may belong to different chords.
    /// - Returns: for each operation, in their order, the chord that it completed; nil if it completed none.
    /// - Throws: ``CeleriacError`` with code `unsupported` if the store does not count chords, otherwise `unavailable`
    ///   or `resultStore`. Some of the operations may have been carried out.
    func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?]

    // MARK: Groups

    /// Stores which results belong to a group, so that the group can be found by its id.
    ///
    /// - Parameters:
    ///   - id: the group's id.
    ///   - payload: the group as the dialect writes it.
    ///   - expiry: how long to keep it; nil for ever.
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

    /// Closes what the store holds open. Later calls may throw.
    func close() async
}

/// Gets results as they arrive.
///
/// A store may call it on any thread, and must not hold a lock meanwhile that its own methods need. Its methods return
/// at once.
public protocol ResultSink: Sendable {
    /// Takes states that were stored or that arrived, in their order. States of tasks that nobody waits for are
    /// ignored.
    func receive(_ updates: [(taskID: String, payload: [UInt8])])

    /// Learns that the connection on which updates arrive was lost and is back: every caller that waits reads again.
    func updatesMayBeMissing()
}

extension ResultStore {
    /// Empty: results do not come by a queue.
    public var replyTo: String { "" }

    /// False.
    public var discardsResults: Bool { false }

    /// False: results are kept.
    public var deliversOnce: Bool { false }

    /// False: a result can be read any number of times.
    public var fetchingRemoves: Bool { false }

    /// True.
    public var expiresByItself: Bool { true }

    /// False.
    public var countsChords: Bool { false }

    /// Nil: the store notifies its clients.
    public var pollInterval: Duration? { nil }

    /// Does nothing, as suits a store that is read every ``pollInterval``. A store without one must implement it.
    public func watch(_ taskIDs: [String], sink: any ResultSink) async throws {}

    /// Does nothing.
    public func unwatch(_ taskIDs: [String]) {}

    /// Does nothing: results expire by themselves.
    public func removeResults(olderThan age: Duration) async throws {}

    /// Throws ``CeleriacError`` with code `unsupported`.
    public func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?] {
        throw CeleriacError(.unsupported, "\(name) does not count the parts of chords")
    }

    /// Throws ``CeleriacError`` with code `unsupported`.
    public func storeGroup(_ id: String, payload: [UInt8], expiry: Duration?) async throws { throw keepsNoGroups }

    /// Throws ``CeleriacError`` with code `unsupported`.
    public func fetchGroup(_ id: String) async throws -> [UInt8]? { throw keepsNoGroups }

    /// Throws ``CeleriacError`` with code `unsupported`.
    public func forgetGroup(_ id: String) async throws { throw keepsNoGroups }

    /// Does nothing.
    public func close() async {}

    private var keepsNoGroups: CeleriacError {
        CeleriacError(
            .unsupported, "\(name) keeps no groups: use a result store that does, such as redis:// or file://")
    }
}
