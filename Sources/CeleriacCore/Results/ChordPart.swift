/// The result of one task in a chord's header.
public struct ChordPart: Sendable {
    /// The id of the header's group.
    public var groupID: String
    /// The id of the task.
    public var taskID: String
    /// The task's position in the header; nil where it has none.
    public var index: Int?
    /// How many parts the header has, for stores that cannot know it; nil where nothing follows from the last one.
    public var size: Int?
    /// The part as it is stored.
    public var payload: [UInt8]
    /// How long unfinished chords are kept; nil for ever.
    public var expiry: Duration?
    /// What proves the right to go on, if this is the last part: it stays the same when the part is given again.
    public var token: String
    /// How often it was given when somebody else had that right.
    public private(set) var waits = 0
    private var followUp: @Sendable (ChordCompletion) -> [Effect]

    /// Makes a part.
    public init(
        groupID: String, taskID: String, index: Int?, size: Int? = nil, payload: [UInt8], expiry: Duration?,
        token: String = "",
        whenComplete: @escaping @Sendable (ChordCompletion) -> [Effect]
    ) {
        self.groupID = groupID
        self.taskID = taskID
        self.index = index
        self.size = size
        self.payload = payload
        self.expiry = expiry
        self.token = token
        self.followUp = whenComplete
    }

    /// What follows when this was the last part; where somebody else has the right to go on, the part is given again once
    /// that right has ended, in case it died with its holder.
    public func whenComplete(_ completion: ChordCompletion) -> [Effect] {
        guard let rest = completion.heldFor else { return followUp(completion) }
        var again = self
        again.waits += 1
        return [.pause(rest), .chord(.add(again))]
    }
}
