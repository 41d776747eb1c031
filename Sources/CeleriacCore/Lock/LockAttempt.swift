/// What came of an attempt to take a ``Lock``.
public enum LockAttempt: Sendable {
    /// It is ours.
    case taken(any LockHold)
    /// Somebody else holds it, for this long unless the hold is renewed.
    case busy(Duration)
}
