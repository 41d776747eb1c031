/// Something that one process at a time may hold, for as long as it renews its hold.
///
/// Implement it to bring a lock of your own. Nothing here waits or polls: whoever finds the lock taken is told how long
/// the hold lasts unless it is renewed, and is woken when it is released.
public protocol Lock: Sendable {
    /// A name for logs: server and key, without credentials.
    var name: String { get }

    /// Takes the lock if it is free.
    ///
    /// - Throws: an error when the lock cannot be reached.
    func attempt() async throws -> LockAttempt

    /// Calls `action` whenever the lock may have become free before its time, from when this returns on. It is called once
    /// by each user of the lock.
    ///
    /// - Throws: an error when the lock cannot be reached.
    func onRelease(_ action: @escaping @Sendable () -> Void) async throws

    /// Closes what the lock holds open. A hold that is not released ends with its time.
    func close() async
}
