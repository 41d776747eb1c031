import struct FoundationEssentials.Date

/// A run of an entry that is due.
struct BeatRun: Sendable, Hashable {
    /// The entry's name.
    var name: String
    /// When it was due.
    var due: Date
    /// What the ledger had as the last run before it.
    var previous: Date
}
