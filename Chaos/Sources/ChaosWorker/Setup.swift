#if canImport(Glibc)
import Glibc
#endif

/// What the harness says in the environment.
struct Setup: Sendable {
    struct Missing: Error { let variable: String }

    let isMachinery: Bool
    let name: String
    let broker: String
    let results: String
    let queue: String
    let isQuorum: Bool
    /// How long a claim lasts without being renewed, in seconds.
    let claim: Double
    let attempts: Int
    let ledger: Ledger

    init() throws {
        func variable(_ name: String) throws -> String {
            guard let value = getenv(name) else { throw Missing(variable: name) }
            return String(cString: value)
        }
        isMachinery = try variable("CHAOS_DIALECT") == "machinery"
        name = try variable("CHAOS_NAME")
        broker = try variable("CHAOS_BROKER")
        results = try variable("CHAOS_RESULTS")
        queue = try variable("CHAOS_QUEUE")
        isQuorum = try variable("CHAOS_QUEUE_TYPE") == "quorum"
        claim = Double(try variable("CHAOS_CLAIM")) ?? 3
        attempts = Int(try variable("CHAOS_ATTEMPTS")) ?? 5
        ledger = try Ledger(path: variable("CHAOS_LEDGER"))
    }
}
