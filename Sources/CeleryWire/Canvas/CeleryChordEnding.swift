/// Who finds out that all parts of a chord's header are there.
public enum CeleryChordEnding: Sendable, Hashable {
    /// The result store counts them, and the last part's worker publishes the body.
    case counted
    /// A task `celery.chord_unlock` asks for the results again and again.
    case unlocked
    /// Nobody can: results are not kept. Chords are refused.
    case impossible
}
