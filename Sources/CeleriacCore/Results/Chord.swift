package import CeleriacWire

// A chord is a group of tasks, its header, and a body that is published once all of the header's tasks have ended. The
// header is opened before its messages are published; each task adds its part when it ends; the store tells whoever
// adds the last part that the chord is complete; that worker publishes the body and closes the chord.

/// A step in the life of a chord, from the first message of its header to that of its body.
public enum ChordOperation: Sendable, Hashable {
    /// A header of `size` parts is about to be published.
    case open(groupID: String, size: Int)
    /// The header has one more part.
    case extend(groupID: String)
    /// The shape of the header's results: which of them are groups, and of what.
    case save(groupID: String, payload: [UInt8], expiry: Duration?)
    /// A task of the header has ended. Only this operation can complete the chord.
    case add(ChordPart)
    /// The worker with the claim is done with what followed from the completion: it has published the body, or stored
    /// its failure.
    case close(ChordClaim, succeeded: Bool)
}

/// How one task of a chord's header ended.
public struct ChordPart: Sendable, Hashable {
    /// The id of the header's group.
    public var groupID: String
    /// The id of the task.
    public var taskID: String
    /// The task's position in the header; nil if it has no position.
    public var index: Int?
    /// How many parts the header has, for stores that cannot know it; nil if nothing follows from the last part.
    public var size: Int?
    /// The part as it is stored.
    public var payload: [UInt8]
    /// How long unfinished chords are kept; nil for ever.
    public var expiry: Duration?
    /// What proves the right to publish the body if this is the last part. It stays the same when the part is added
    /// again.
    public var token: String
    /// How often the part was added while another worker had that right, and so had to be added again.
    public private(set) var waits = 0
    /// The chord's body, for a dialect that does not find it in the request.
    package var body: WireValue = .null
    /// What the task had sent by then. A body that fails without running names them as its children.
    package var children: [ResultReference] = []
    /// Whether the part may have been added before, by a worker of which nobody heard again.
    package var mayBeAdded = false
    /// Whether a worker of which nobody heard again may have added the part, completed the chord by it, and not
    /// published the body.
    package var mayHaveCompleted = false

    /// Makes a part.
    public init(
        groupID: String, taskID: String, index: Int?, size: Int? = nil, payload: [UInt8], expiry: Duration?,
        token: String = ""
    ) {
        self.groupID = groupID
        self.taskID = taskID
        self.index = index
        self.size = size
        self.payload = payload
        self.expiry = expiry
        self.token = token
    }

    /// The part as one adds it who answers for a message that has come back: somebody else may have done so before.
    package func cameBack() -> ChordPart {
        var part = self
        part.mayBeAdded = true
        part.mayHaveCompleted = true
        return part
    }

    /// The part to add once more, because another worker had the right to publish the body.
    package func addedAgain() -> ChordPart {
        var again = self
        again.waits += 1
        return again
    }
}

/// The right to publish the body of a chord. One worker has it at a time.
public struct ChordClaim: Sendable, Hashable {
    /// The id of the header's group.
    public var groupID: String
    /// What proves the right: the token of the part that won it.
    public var token: String

    /// Makes a claim.
    public init(groupID: String, token: String) {
        self.groupID = groupID
        self.token = token
    }
}

/// The completion of a chord's header: all parts are there, and this worker publishes the body unless ``heldFor`` is
/// set.
public struct ChordCompletion: Sendable, Hashable {
    /// The right to publish the body.
    public var claim: ChordClaim
    /// The parts as they are stored, in the order of the header.
    public var parts: [[UInt8]]
    /// The shape of the results, if ``ChordOperation/save(groupID:payload:expiry:)`` stored one.
    public var group: [UInt8]?
    /// How long another worker keeps the right to publish the body; nil if this worker has it. The other worker may
    /// have died, so this one adds its part again after that time. ``parts`` and ``group`` are empty then.
    public var heldFor: Duration?

    /// Makes a completion.
    public init(claim: ChordClaim, parts: [[UInt8]], group: [UInt8]?) {
        self.claim = claim
        self.parts = parts
        self.group = group
    }
}
