package import CeleriacCore

/// A task system on one side of a bridge.
package enum BridgeDialect: String, Sendable, Hashable, CaseIterable {
    /// Python's Celery.
    case celery
    /// Go's Machinery.
    case machinery
}

/// One way across a bridge: from a queue of one task system to a queue of another, or of the same one, which is a
/// firewall then.
package struct BridgeRoute: Sendable, Hashable {
    /// The route's name, unique in its bridge. It names the queue of its notes and its hop.
    package var name: String
    /// The name of the bridge, which is the same for all of its processes.
    package var bridge = "celeriac"
    /// The queue that the route takes messages from.
    package var sourceQueue: String
    /// The queue that it puts them into.
    package var targetQueue: String
    /// Which tasks pass, and under which names and types.
    package var tasks = TaskTable()
    /// How many messages it holds unsettled at most.
    package var inFlight = 256
    /// How many tasks may be without a reply before it takes no more messages.
    package var pending = 1000
    /// How many messages it forwards in a second at most; nil for any number.
    package var rate: RateLimit?
    /// The largest body that passes, in bytes; nil for what the dialects take.
    package var maximumBytes: Int?
    /// How long it waits for the result of a task.
    package var replyTimeout: Duration = .seconds(86_400)
    /// What a message may lose on the way. A message with any other part that the target lacks is refused.
    package var dropped: Set<CarriedPart> = []
    /// Which values may become others on the way.
    package var leniencies: Set<Leniency> = []

    /// Whether the route begins without taking messages, until somebody resumes it.
    package var isPaused = false
    /// Whether what follows a task runs at the target as well, as one workflow, as far as it can.
    package var isWhole = true
    /// Where a share of the messages is copied to; nil for nowhere.
    package var shadow: RouteShadow?

    /// Makes a route with the usual bounds.
    package init(name: String, sourceQueue: String, targetQueue: String) {
        self.name = name
        self.sourceQueue = sourceQueue
        self.targetQueue = targetQueue
    }

    /// The queue at the target's broker in which the route keeps what it must not forget: whose reply is to come.
    package var noteQueue: String { "celeriac.bridge.\(bridge).\(name)" }

    /// What the messages of the route have in the header of hops.
    package var hop: String { "\(bridge):\(name)" }
}

/// A part of a message that one of the task systems lacks.
package enum CarriedPart: String, Sendable, Hashable, CaseIterable {
    /// The time after which the task must not run. Machinery has none.
    case expires
    /// The limits for the run. Machinery has none.
    case timeLimits
    /// Celery's stamps.
    case stamps
    /// Headers that are not text, a boolean or null, which Go cannot pass on.
    case headers
    /// The priority, which Machinery on Redis does not have.
    case priority
}

/// A change of a value that a route makes only if it is told to.
package enum Leniency: String, Sendable, Hashable, CaseIterable {
    /// A float without a fraction passes as an integer.
    case wholeFloats
    /// Null passes as the zero value of a scalar type of Go.
    case nullAsZero
}
