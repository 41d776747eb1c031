import CeleriacWire

/// One step of applying a signature.
package enum CeleryCanvasStep: Sendable {
    /// Publish a message.
    case publish(CeleryTaskMessage, CeleryRoute)
    /// Store a group, so that the results of a chord's header keep their shape.
    case saveGroup(CeleryResultTuple)
    /// Store how many parts a chord's header has. This precedes the message of its last part.
    case openChord(groupID: String, size: Int)
}

/// Where a message goes according to the options of its signature. The application fills in what is `nil`.
package struct CeleryRoute: Sendable, Hashable {
    package var queue: String?
    package var exchange: String?
    package var exchangeType: String?
    package var routingKey: String?
    /// The task whose name the application routes by, if it is not the message's own task.
    package var taskName: String?

    package init(
        queue: String? = nil, exchange: String? = nil, exchangeType: String? = nil, routingKey: String? = nil,
        taskName: String? = nil
    ) {
        self.queue = queue
        self.exchange = exchange
        self.exchangeType = exchangeType
        self.routingKey = routingKey
        self.taskName = taskName
    }
}

/// The origin of applied signatures, unless their own options say otherwise.
package struct CeleryLineage: Sendable, Hashable {
    /// The first task of the workflow; `nil` if the workflow begins here.
    package var rootID: String?
    /// The task that applies the signatures.
    package var parentID: String?
    /// The queue of the sender's results.
    package var replyTo: String
    /// The sender's name.
    package var origin: String?
    /// The form of bodies.
    package var serializer: CelerySerializer

    package init(
        rootID: String? = nil, parentID: String? = nil, replyTo: String = "", origin: String? = nil,
        serializer: CelerySerializer = .json
    ) {
        self.serializer = serializer
        self.rootID = rootID
        self.parentID = parentID
        self.replyTo = replyTo
        self.origin = origin
    }
}

/// Who finds out that all parts of a chord's header have results.
package enum CeleryChordEnding: Sendable, Hashable {
    /// The result store counts them, and the worker of the last part publishes the body.
    case counted
    /// A task `celery.chord_unlock` polls the results.
    case unlocked
    /// Nobody can find out, because results are not stored. Chords are refused.
    case impossible
}

/// A signature's position in a group, and the body of the chord that waits for it.
struct CeleryPlace {
    var groupID: String?
    var groupIndex: Int?
    var chord: WireValue?

    init(groupID: String? = nil, groupIndex: Int? = nil, chord: WireValue? = nil) {
        self.groupID = groupID
        self.groupIndex = groupIndex
        self.chord = chord
    }

    /// Reads the place that a signature's options name.
    init(_ options: WireObject) {
        groupID = options["group_id"]?.stringValue
        groupIndex = options["group_index"]?.intValue
        chord = options["chord"].flatMap { $0.isNull ? nil : $0 }
    }
}
