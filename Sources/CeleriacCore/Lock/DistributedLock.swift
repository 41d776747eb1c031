/// A lock that one process at a time may hold, for as long as it renews its hold.
///
/// Implement it to bring a lock of your own. No method waits for the lock or polls it: a user that finds it taken
/// learns how long the hold lasts unless it is renewed, and is woken when it is released.
///
/// **Order of calls.** A user calls ``onRelease(_:)`` until it succeeds once, then ``attempt()``, and after a
/// successful attempt the methods of the hold until it releases the hold or loses the lock. Then it may attempt again.
///
/// **Concurrency.** A user has one call under way at a time. Each user has a lock object of its own, in this process or
/// in another one.
///
/// **Cancellation.** A beat that is cancelled finishes what it is sending and releases its hold, so
/// ``LockHold/renew()``, ``LockHold/leaveNote(_:)`` and ``LockHold/release()`` may be called from a cancelled task and
/// must work there, and so must ``close()``.
///
/// **Closing.** Whoever made the lock closes it, after its user has ended. A beat closes nothing.
public protocol DistributedLock: Sendable {
    /// A name for logs: server and key, without credentials.
    var name: String { get }

    /// Takes the lock if it is free.
    ///
    /// - Returns: the hold, or how long somebody else's hold lasts.
    /// - Throws: an error if the lock cannot be reached; the user tries again later. The attempt may have succeeded all
    ///   the same: such a hold ends when its lease has passed.
    func attempt() async throws -> LockAttempt

    /// From now on calls `action` whenever the lock may have become free before its lease has passed.
    ///
    /// - Parameter action: returns at once. The lock may call it on any thread, and too often does no harm.
    /// - Throws: an error if the lock cannot be reached; the user calls again later.
    func onRelease(_ action: @escaping @Sendable () -> Void) async throws

    /// Closes what the lock holds open. A hold that was not released ends when its lease has passed.
    func close() async
}

/// The outcome of an attempt to take a ``DistributedLock``.
public enum LockAttempt: Sendable {
    /// This user holds the lock.
    case taken(any LockHold)
    /// Somebody else holds the lock, for this long unless they renew or release it.
    case busy(Duration)
}

/// A hold on a ``DistributedLock``, and the note that one holder leaves for the next.
///
/// Its user has one call under way at a time, and makes none after ``release()``. It may still call a hold that it has
/// lost: such a call changes nothing. A user that does not know whether it still holds the lock stops relying on it
/// once ``lease`` has passed.
public protocol LockHold: Sendable {
    /// How long the hold lasts after it was taken or renewed. It stays the same.
    var lease: Duration { get }

    /// Begins the lease anew.
    ///
    /// - Returns: false if this user no longer holds the lock.
    /// - Throws: an error if the lock cannot be reached. This user may still hold it, and renews again.
    func renew() async throws -> Bool

    /// Returns the note that a holder left last; nil if nobody has left one.
    ///
    /// - Throws: an error if the lock cannot be reached. The beat releases its hold and attempts again.
    func note() async throws -> [UInt8]?

    /// Leaves a note if this user still holds the lock. The check and the note are one atomic step.
    ///
    /// - Parameter note: the note; it replaces the one before.
    /// - Returns: false if this user no longer holds the lock; the note is unchanged then.
    /// - Throws: an error if the lock cannot be reached. The note may have been left.
    func leaveNote(_ note: [UInt8]) async throws -> Bool

    /// Releases the lock if this user still holds it, and wakes the users that wait for it. The note stays.
    ///
    /// - Throws: an error if the lock cannot be reached. The beat ignores it, and the hold ends when its lease has
    ///   passed.
    func release() async throws
}
