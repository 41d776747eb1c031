import CeleriacCore
import Logging

/// Does what needs a server until the server is in reach, or the route ends. While it waits, its route takes no further
/// messages: a broker that is blocked or a store without memory pauses the source.
struct Patience: Sendable {
    let stop: Gate
    let timers: any TimerSource
    let counts: RouteCounts
    let logger: Logger

    /// Does something, again and again while it throws `unavailable`.
    ///
    /// - Throws: any other error of `body`; `unavailable` once the route ends.
    func run<Value: Sendable>(_ what: String, _ body: @Sendable () async throws -> Value) async throws -> Value {
        var backoff = Backoff(maximum: .seconds(5))
        var hasWaited = false
        defer { if hasWaited { counts.change { $0.outage = nil } } }
        while true {
            do {
                return try await body()
            } catch let error as CeleriacError where error.code == .unavailable {
                logger.warning("a bridge waits", metadata: ["for": "\(what)", "error": "\(error)"])
                hasWaited = true
                counts.change { $0.outage = "it waits for \(what): \(error.message)" }
                if await stop.wait(atMost: backoff.next(), timers: timers) { throw error }
            }
        }
    }
}
