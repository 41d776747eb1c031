/// A result store that counts the parts of chords.
public protocol ChordStore: ResultStore {
    /// Carries out operations, in one round trip.
    ///
    /// - Returns: for each operation what it completed, if anything.
    func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?]
}
