/// Decides which of several processes sends a periodic task. Implement it to bring a lock of your own.
public protocol MachineryLock: Sendable {
    /// Tries to take a lock that nobody gives back: it ends by itself.
    ///
    /// - Parameters:
    ///   - key: the lock's name.
    ///   - expiry: when it ends, in nanoseconds since 1970.
    /// - Returns: whether this process has it.
    func acquire(_ key: String, until expiry: Int64) async throws -> Bool
}
