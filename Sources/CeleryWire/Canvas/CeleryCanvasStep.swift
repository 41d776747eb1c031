/// One thing to do to apply a signature.
public enum CeleryCanvasStep: Sendable {
    /// Publish a message.
    case publish(CeleryTaskMessage, CeleryRoute)
    /// Store a group, so that the results of a chord's header keep their shape.
    case saveGroup(CeleryResultTuple)
    /// Say how many parts a chord's header has. Comes before the message of its last part.
    case openChord(groupID: String, size: Int)
}
