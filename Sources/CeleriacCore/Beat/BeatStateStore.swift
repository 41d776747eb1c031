/// Where a ``Beat`` keeps what it remembers across restarts: when each entry ran last.
///
/// Implement it to keep that in a place of your own. What is kept is a small JSON text.
public protocol BeatStateStore: Sendable {
    /// A name for logs.
    var name: String { get }

    /// What was saved last; nil if nothing ever was.
    func load() async throws -> [UInt8]?

    /// Saves, so that a reader sees all of it or all of what was there before.
    func save(_ state: [UInt8]) async throws
}
