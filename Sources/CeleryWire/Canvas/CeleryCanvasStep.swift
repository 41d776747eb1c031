import CeleriacWire

/// One thing to do to apply a signature.
public enum CeleryCanvasStep: Sendable {
    /// Publish a message.
    case publish(CeleryTaskMessage, CeleryRoute)
    /// Store a group, so that the results of a chord's header keep their shape.
    case saveGroup(CeleryResultTuple)
    /// Say how many parts a chord's header has. Comes before the message of its last part.
    case openChord(groupID: String, size: Int)
}

/// Where a message goes, as the options of its signature say; what is nil is left to the application.
public struct CeleryRoute: Sendable, Hashable {
    /// The queue.
    public var queue: String?
    /// The exchange.
    public var exchange: String?
    /// The routing key.
    public var routingKey: String?
    /// The task by whose name the application routes it, where that is not the message's own.
    public var taskName: String?

    /// Makes a route.
    public init(
        queue: String? = nil, exchange: String? = nil, routingKey: String? = nil, taskName: String? = nil
    ) {
        self.queue = queue
        self.exchange = exchange
        self.routingKey = routingKey
        self.taskName = taskName
    }
}

/// Where applied signatures come from, where their own options do not say.
public struct CeleryLineage: Sendable, Hashable {
    /// The first task of the workflow; nil where a workflow begins.
    public var rootID: String?
    /// The task that applies them.
    public var parentID: String?
    /// The queue of the sender's results.
    public var replyTo: String
    /// The sender's name.
    public var origin: String?

    /// Makes a lineage.
    public init(rootID: String? = nil, parentID: String? = nil, replyTo: String = "", origin: String? = nil) {
        self.rootID = rootID
        self.parentID = parentID
        self.replyTo = replyTo
        self.origin = origin
    }
}

/// Who finds out that all parts of a chord's header are there.
public enum CeleryChordEnding: Sendable, Hashable {
    /// The result store counts them, and the last part's worker publishes the body.
    case counted
    /// A task `celery.chord_unlock` asks for the results again and again.
    case unlocked
    /// Nobody can: results are not kept. Chords are refused.
    case impossible
}

/// A signature's place in a group, and the body of the chord that waits for it.
struct CeleryPlace {
    var groupID: String?
    var groupIndex: Int?
    var chord: WireValue?

    init(groupID: String? = nil, groupIndex: Int? = nil, chord: WireValue? = nil) {
        self.groupID = groupID
        self.groupIndex = groupIndex
        self.chord = chord
    }

    /// The place that options say.
    init(_ options: WireObject) {
        groupID = options["group_id"]?.stringValue
        groupIndex = options["group_index"]?.intValue
        chord = options["chord"].flatMap { $0.isNull ? nil : $0 }
    }
}
