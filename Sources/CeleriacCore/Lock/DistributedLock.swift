/// Something that one process at a time may hold, for as long as it renews its hold.
///
/// Implement it to bring a lock of your own. Nothing here waits or polls: a user that finds the lock taken learns how long
/// the hold lasts unless it is renewed, and is woken when it is released.
///
/// A user calls ``onRelease(_:)`` once, then ``attempt()`` and the methods of its hold, one call at a time, and ``close()``
/// last. Whoever made the lock closes it.
public protocol DistributedLock: Sendable {
    /// A name for logs: server and key, without credentials.
    var name: String { get }

    /// Takes the lock if it is free.
    ///
    /// - Throws: an error if the lock cannot be reached. It may have been taken all the same; such a hold ends with its time.
    func attempt() async throws -> LockAttempt

    /// From now on calls `action` whenever the lock may have become free before its time. Each user of the lock calls this
    /// once.
    ///
    /// - Throws: an error if the lock cannot be reached; the user calls again later.
    func onRelease(_ action: @escaping @Sendable () -> Void) async throws

    /// Closes what the lock holds open. A hold that is not released ends with its time.
    func close() async
}

/// What came of an attempt to take a ``DistributedLock``.
public enum LockAttempt: Sendable {
    /// The lock is ours.
    case taken(any LockHold)
    /// Somebody else holds the lock, for this long unless they renew their hold.
    case busy(Duration)
}

/// A hold on a ``DistributedLock``, and a note that one holder leaves for the next.
public protocol LockHold: Sendable {
    /// How long the hold lasts from when it was taken or renewed.
    var lease: Duration { get }

    /// Begins the lease anew.
    ///
    /// - Returns: false if the lock is no longer ours.
    /// - Throws: an error if the lock cannot be reached; it may still be ours.
    func renew() async throws -> Bool

    /// The note that a holder left last; nil if there is none.
    func note() async throws -> [UInt8]?

    /// Leaves a note, but only while the lock is ours: check and note are one step.
    ///
    /// - Returns: false if the lock is no longer ours; no note was left then.
    /// - Throws: an error if the lock cannot be reached; the note may have been left.
    func leaveNote(_ note: [UInt8]) async throws -> Bool

    /// Gives the lock back, if it is still ours, and wakes those who wait for it. The note stays.
    func release() async throws
}
