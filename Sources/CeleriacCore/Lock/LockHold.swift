/// A hold on a ``Lock``, and a note that one holder leaves for the next.
public protocol LockHold: Sendable {
    /// How long the hold lasts from when it was taken or renewed.
    var lease: Duration { get }

    /// Begins the lease anew.
    ///
    /// - Returns: false when the lock is not ours any more.
    /// - Throws: an error when the lock cannot be reached; it may be ours still.
    func renew() async throws -> Bool

    /// The note that was left last; nil if there is none.
    func note() async throws -> [UInt8]?

    /// Leaves a note, but only while the lock is ours: both are one step.
    ///
    /// - Returns: false when the lock is not ours any more; no note was left then.
    /// - Throws: an error when the lock cannot be reached; the note may have been left.
    func leaveNote(_ note: [UInt8]) async throws -> Bool

    /// Gives the lock back, if it is ours still, and wakes who waits for it. The note stays.
    func release() async throws
}
