package import CeleriacCore
import MachineryWire
import NIOConcurrencyHelpers

/// Decides which of several processes sends a periodic task. Implement it to provide your own lock.
///
/// It may be asked at any time, from any task, until ``close()``, which comes last. A call for a run whose task is
/// cancelled may throw. Whatever it throws is logged, and the run is tried again until the next one is due. The server
/// that was given the lock closes it.
public protocol MachineryLock: Sendable {
    /// Tries to take a lock that is never released: it ends by itself.
    ///
    /// - Parameters:
    ///   - key: The lock's name.
    ///   - expiry: When the lock ends, in nanoseconds since 1970.
    /// - Returns: Whether this process has the lock.
    /// - Throws: Any error if the lock cannot be asked for.
    func acquire(_ key: String, until expiry: Int64) async throws -> Bool

    /// Closes what the lock has opened. The default does nothing.
    func close() async
}

extension MachineryLock {
    /// Does nothing.
    public func close() async {}
}

/// A lock within one process. Other processes do not see it.
package final class EagerLock: MachineryLock {
    private let held = NIOLockedValueBox<[String: Int64]>([:])
    private let now: @Sendable () -> Int64

    /// Creates a lock.
    ///
    /// - Parameter timers: Their clock decides when a lock has ended.
    package init(timers: any TimerSource) {
        now = { GoTime(timers.now).unixNanoseconds }
    }

    /// Takes a lock unless it is held.
    package func acquire(_ key: String, until expiry: Int64) async throws -> Bool {
        let now = now()
        return held.withLockedValue { held in
            if let end = held[key], end > now { return false }
            held = held.filter { $0.value > now }
            held[key] = expiry
            return true
        }
    }
}
