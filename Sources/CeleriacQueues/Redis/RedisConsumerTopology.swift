#if Redis
package import CeleriacCore
package import CeleriacRedis

/// A message that a consumer has claimed from a list in Redis.
package struct RedisClaim: Sendable {
    /// The claim's number at its consumer.
    package let serial: UInt64
    /// The claim's name in Redis.
    package let tag: String
    /// The list that the message came from.
    package let list: RedisQueueList
    /// The message as it lay in the list.
    package let payload: [UInt8]
    /// How often the message was begun after it had come back, if the claim script tells; nil if it never came back.
    package let attempts: Int?
    /// The key that counts the beginnings of a message that came back; nil for one that did not, and where the claim
    /// script tells the count.
    package internal(set) var counter: String?
    /// Whether this consumer has counted that the message begins.
    package internal(set) var isCounted = false

    /// What the worker names when it settles the message.
    package var receipt: Receipt { Receipt(generation: 0, tag: serial) }
}

/// An attempt to claim messages: from which lists, and what the claims are called that it makes.
package struct RedisClaimAttempt: Sendable {
    /// The lists, in the order in which they are asked.
    package let lists: [RedisQueueList]
    /// The first claim's serial; those of the others follow it.
    package let firstSerial: UInt64
    /// How many messages at most.
    package let limit: Int
    /// What the names of this consumer's claims begin with. A claim's serial follows.
    package let tagPrefix: String
    /// When the attempt is made, in seconds since 1970.
    package let time: Double

    /// The claim that this attempt has made as its `index`th, counted from 0.
    package func claim(_ index: Int, from list: RedisQueueList, payload: [UInt8], attempts: Int? = nil) -> RedisClaim {
        let serial = firstSerial + UInt64(max(0, index))
        return RedisClaim(
            serial: serial, tag: tagPrefix + String(serial), list: list, payload: payload, attempts: attempts)
    }
}

/// Something that a consumer does regularly, on the timers of its event loop whatever handlers do to their threads.
package struct RedisChore: Sendable {
    let interval: Duration
    let first: Duration
    let work: @Sendable (RedisMessageConsumer) -> Void

    /// Creates a chore.
    ///
    /// - Parameters:
    ///   - interval: from the end of one run to the next.
    ///   - first: from the consumer's start to the first run.
    ///   - work: must not wait: it submits commands.
    package init(
        every interval: Duration, after first: Duration = .zero,
        _ work: @escaping @Sendable (RedisMessageConsumer) -> Void
    ) {
        self.interval = interval
        self.first = first
        self.work = work
    }
}

/// What is a dialect's own in the way that a worker consumes from Redis: keys, scripts and envelopes. Everything else is
/// ``RedisMessageConsumer``'s.
///
/// A claim is an entry of a hash, which holds the message by the claim's tag, and of a sorted set, which holds the tag by the
/// time at which the claim was last renewed. The dialect says which hash and set, and writes the scripts, which must be
/// atomic: a message lies in a list or in a claim at any moment, and a script writes its new place before it leaves the
/// old one.
package protocol RedisConsumerTopology: Sendable {
    // MARK: Lists

    /// The end of the lists from which messages are taken.
    var servedEnd: HandoverWait.End { get }

    /// The lists of a queue, one for each priority step, the one that is served first in front. All queues have equally
    /// many.
    func lists(of queue: String) -> [RedisQueueList]

    /// What tells producers that a queue exists, sent when it is added to those that are served.
    func announcement(of queue: String) -> [RedisCommand]

    /// How long the consumer waits for a message before it looks after other things.
    var patience: Duration { get }

    // MARK: Claiming

    /// Whether one script claims from all lists, rather than one for each list until there are enough messages.
    var claimsFromAllListsAtOnce: Bool { get }

    /// Claims messages.
    func claim(_ attempt: RedisClaimAttempt) -> RedisCommand

    /// The claims that an attempt made, from the answer to ``claim(_:)``.
    func claims(in reply: RedisValue, of attempt: RedisClaimAttempt) -> [RedisClaim]

    /// The hash that the attempt's claims are written to.
    func claimsKey(of attempt: RedisClaimAttempt) -> String

    /// Reads an entry of that hash: the claim that an attempt whose answer was lost has made as its `index`th.
    func claim(_ index: Int, stored: [UInt8], of attempt: RedisClaimAttempt) -> RedisClaim?

    /// The delivery of a claimed message; and, for a message that has come back, the key that counts its beginnings,
    /// unless the claim script told their number.
    func delivery(of claim: RedisClaim) -> (delivery: Delivery, counter: String?)

    /// Does what must be done before messages are claimed, such as restoring expired claims.
    func prepare(_ consumer: RedisMessageConsumer) async throws(RedisError)

    // MARK: Holding

    /// Counts that a message which has come back begins.
    func countBeginning(of claim: RedisClaim) -> [RedisCommand]

    /// How often claims are renewed.
    var renewalInterval: Duration { get }

    /// The sorted set in which the claims of a list stand by their time.
    func indexKey(of list: RedisQueueList) -> String

    /// What the consumer does beside taking messages and renewing its claims.
    var chores: [RedisChore] { get }

    // MARK: Ending

    /// Forgets messages, which have been dealt with.
    func acknowledge(_ claims: [RedisClaim]) -> [ClaimEnding]

    /// Puts messages back to the other end of their lists, since they are to be run again.
    ///
    /// - Parameter park: keeps a message aside that cannot be put back.
    func requeue(_ claims: [RedisClaim], park: (RedisClaim, MessageFault) -> ClaimEnding) -> [ClaimEnding]

    /// Puts messages back to the front of their lists, the first of them foremost. They were not begun.
    ///
    /// - Parameter park: keeps a message aside that cannot be put back.
    func giveBack(_ claims: [RedisClaim], park: (RedisClaim, MessageFault) -> ClaimEnding) -> [ClaimEnding]

    /// Keeps a message aside.
    func park(_ claim: RedisClaim, as record: [UInt8]) -> ClaimEnding

    /// How messages are written down that are kept aside.
    var parkedFormat: ParkedMessageFormat { get }

    /// Puts what was handed over and nobody claimed back to the front of these lists, where others find it.
    func sweep(_ lists: [RedisQueueList]) -> [RedisCommand]
}

extension RedisConsumerTopology {
    package func announcement(of queue: String) -> [RedisCommand] { [] }
    package func prepare(_ consumer: RedisMessageConsumer) async throws(RedisError) {}
    package var chores: [RedisChore] { [] }
    package var patience: Duration { .seconds(30) }
}
#endif
