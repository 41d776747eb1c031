import struct FoundationEssentials.Date

/// A run of an entry that is due.
struct BeatRun: Sendable, Hashable {
    /// The entry's name.
    var name: String
    /// When it was due.
    var due: Date
    /// The last run before it: of those that are due with it, or the one that was remembered.
    var previous: Date
}
