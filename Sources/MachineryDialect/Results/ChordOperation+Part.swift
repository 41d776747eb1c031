import CeleriacCore

extension ChordOperation {
    /// The part that ended of a header that something follows from; nil for anything else.
    var chordPart: ChordPart? {
        guard case .add(let part) = self, part.size != nil else { return nil }
        return part
    }
}
