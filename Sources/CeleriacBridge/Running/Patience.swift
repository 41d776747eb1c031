import CeleriacCore
import Logging

/// Does what needs a server until the server is in reach, or the route ends. While it waits, its route takes no further
/// messages: a broker that is blocked or a store without memory pauses the source.
struct Patience: Sendable {
    let stop: Gate
    let timers: any TimerSource
    let counts: RouteCounts
    let logger: Logger

    /// Does something at the broker of a side, again and again while the broker is out of reach or lets nobody in.
    ///
    /// - Throws: as ``run(_:while:_:)``.
    func atBroker<Value: Sendable>(
        _ side: String, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await run("\(side)'s broker", while: { $0.mayPass }, body)
    }

    /// Does something at the result store of a side, again and again while the store is out of reach or refuses everything:
    /// that says nothing of the one result.
    ///
    /// - Throws: as ``run(_:while:_:)``.
    func atStore<Value: Sendable>(
        _ side: String, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        try await run("\(side)'s result store", while: { $0.mayPassAtStore }, body)
    }

    /// Does something, again and again while it throws an error that may pass.
    ///
    /// - Parameters:
    ///   - what: what is waited for.
    ///   - mayPass: whether the same may succeed later.
    ///   - body: what is done.
    /// - Returns: what `body` returns.
    /// - Throws: any other error of `body`; `unavailable` once the route ends.
    func run<Value: Sendable>(
        _ what: String, while mayPass: @Sendable (CeleriacError) -> Bool, _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        var backoff = Backoff(maximum: .seconds(5))
        var hasWaited = false
        defer { if hasWaited { counts.goesOn(with: what) } }
        while true {
            do {
                return try await body()
            } catch let error as CeleriacError where mayPass(error) {
                hasWaited = true
                // However many replies wait for the same, it is told once.
                let isNews = counts.waits(for: what, because: error.message)
                logger.log(
                    level: isNews ? .warning : .debug, "a bridge waits",
                    metadata: ["for": "\(what)", "error": "\(error)"])
                if await stop.wait(atMost: backoff.next(), timers: timers) { throw error.ofEndedWait }
            }
        }
    }
}

extension CeleriacError {
    /// What one throws who waits no longer until this error passes. Who gets it must not take it for a refusal.
    fileprivate var ofEndedWait: CeleriacError {
        code == .unavailable ? self : CeleriacError(.unavailable, message, cause: cause)
    }
}
