public import CeleriacCore
import MachineryWire
import NIOConcurrencyHelpers

/// A lock among the tasks of one process: every process has its own.
public final class EagerLock: MachineryLock {
    private let held = NIOLockedValueBox<[String: Int64]>([:])
    private let now: @Sendable () -> Int64

    /// Makes a lock.
    ///
    /// - Parameter timers: whose clock tells when a lock has ended.
    public init(timers: any TimerSource) {
        now = { GoTime(timers.now).unixNanoseconds }
    }

    /// Takes a lock unless it is taken.
    public func acquire(_ key: String, until expiry: Int64) async throws -> Bool {
        let now = now()
        return held.withLockedValue { held in
            if let end = held[key], end > now { return false }
            held = held.filter { $0.value > now }
            held[key] = expiry
            return true
        }
    }
}
