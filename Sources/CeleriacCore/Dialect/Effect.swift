/// One step of what follows from an outcome. A dialect returns them in the order in which its task system does them; the
/// worker carries them out in that order and knows no other.
public enum Effect: Sendable {
    /// Publish messages: callbacks, the next link of a chain, a retry.
    case publish([OutgoingMessage])
    /// Store a state.
    case store(ResultRecord)
    /// Go on with a chord. What its completion leads to is done next.
    case chord(ChordOperation)
    /// Call an error callback in this worker.
    case call(ErrorCall)
    /// End the delivery at the broker. Ignored where it has been ended before (early acknowledgement).
    case settle(Settlement.Disposition)
    /// Wait before the next effect, a duration at most: a stop ends it. The worker takes another message meanwhile.
    case pause(Duration)
}
