/// Where a queue's messages lie while Celeriac workers hold them. Go workers, which hold theirs in memory, see nothing of it.
struct InFlightKeys: Sendable {
    /// The queue itself: a list.
    let queue: String

    /// Messages by claim: a hash.
    var claims: String { queue + ".celeriac.claims" }
    /// Claims by the time at which they were last renewed, in seconds since 1970: a sorted set.
    var claimed: String { queue + ".celeriac.claimed" }
    /// How often a message came back, by the SHA-1 of the message: a hash.
    var attempts: String { queue + ".celeriac.attempts" }
    /// Where a message that was handed to a waiting worker lies until that worker, or another, claims it: a list.
    var handover: String { queue + ".celeriac.handover" }
    /// Messages that are kept aside: a list.
    var parked: String { queue + ".parked" }

    /// In the order in which scripts expect them.
    var all: [String] { [queue, handover, claims, claimed, attempts, parked] }
}
