#if Redis
package import CeleriacCore
package import CeleriacRedis

/// A message that a consumer has claimed from a list in Redis.
package struct RedisClaim: Sendable {
    /// The claim's serial at its consumer.
    package let serial: UInt64
    /// The claim's name in Redis.
    package let tag: String
    /// The list that held the message.
    package let list: RedisQueueList
    /// The message as the list held it.
    package let payload: [UInt8]
    /// How often the message was begun after it had come back, if the claim script says so; nil if it never came back.
    package let attempts: Int?
    /// The key that counts the beginnings of a message that came back; nil for one that did not, and where the claim
    /// script tells the count.
    package internal(set) var counter: String?
    /// Whether this consumer has counted that the message begins.
    package internal(set) var isCounted = false
    /// Whether the message may be what killed a process.
    var isSuspect = false

    /// The receipt that the worker uses to settle the message.
    package var receipt: Receipt { Receipt(generation: 0, tag: serial) }
}

/// An attempt to claim messages: from which lists, and with which serials and tags.
package struct RedisClaimAttempt: Sendable {
    /// The lists, in the order in which they are tried.
    package let lists: [RedisQueueList]
    /// The first claim's serial. The other serials follow it.
    package let firstSerial: UInt64
    /// The maximum number of messages.
    package let limit: Int
    /// The prefix of this consumer's tags. A claim's serial follows it.
    package let tagPrefix: String
    /// The consumer's epoch. The script must claim nothing if the topology's `epochKey(of:)` holds a higher one.
    package let epoch: Int
    /// The time of the attempt, in seconds since 1970.
    package let time: Double
    /// How many bytes the messages may have together. The script must claim one message, whatever its size.
    package var maximumBytes = RedisConfiguration.largestPortion

    /// Makes the attempt's `index`th claim, counted from 0.
    package func claim(_ index: Int, from list: RedisQueueList, payload: [UInt8], attempts: Int? = nil) -> RedisClaim {
        let serial = firstSerial + UInt64(max(0, index))
        return RedisClaim(
            serial: serial, tag: tagPrefix + String(serial), list: list, payload: payload, attempts: attempts)
    }
}

/// Work that a consumer does regularly. It runs on the event loop's timers, so handlers that block their threads cannot
/// delay it.
package struct RedisChore: Sendable {
    let interval: Duration
    let first: Duration
    let work: @Sendable (RedisMessageConsumer) -> Void

    /// Creates a chore.
    ///
    /// - Parameters:
    ///   - interval: the time from the end of one run to the start of the next.
    ///   - first: the time from the consumer's start to the first run.
    ///   - work: the work itself, which must not wait: it submits commands.
    package init(
        every interval: Duration, after first: Duration = .zero,
        _ work: @escaping @Sendable (RedisMessageConsumer) -> Void
    ) {
        self.interval = interval
        self.first = first
        self.work = work
    }
}

/// A queue of one worker's own, to whose messages the worker listens: Redis keeps none for those who do not. What is heard
/// goes into the queue's list, and is claimed there like any other message.
package struct RedisBroadcast: Sendable {
    /// The channel on which the messages are published, or a glob pattern of channels.
    package let channel: String
    /// Puts a message that was heard into the queue's list.
    package let keep: @Sendable ([UInt8]) -> RedisCommand
    /// Deletes what is left of the queue when it is served no more.
    package let retirement: [RedisCommand]

    /// Creates a broadcast.
    package init(
        channel: String, keep: @escaping @Sendable ([UInt8]) -> RedisCommand, retirement: [RedisCommand]
    ) {
        self.channel = channel
        self.keep = keep
        self.retirement = retirement
    }
}

/// The part of consuming from Redis that differs between dialects: keys, scripts and envelopes.
/// ``RedisMessageConsumer`` does the rest.
///
/// A claim is an entry in a hash, which maps the claim's tag to the message, and one in a sorted set, which orders the
/// tags by the time of their last renewal. The dialect chooses the hash and the set, and writes the scripts. The
/// scripts must be atomic, and must write a message's new place before they remove the old one, so that a message is in
/// a list or in a claim at every moment.
package protocol RedisConsumerTopology: Sendable {
    // MARK: Lists

    /// The end of the lists that messages are taken from.
    var servedEnd: ListWait.End { get }

    /// The lists of a queue, one for each priority step, highest priority first. All queues have the same number of
    /// lists.
    func lists(of queue: String) -> [RedisQueueList]

    /// Why a queue cannot be served; nil if it can.
    func refusal(of queue: String) -> CeleriacError?

    /// The commands that tell producers that a queue exists. The consumer sends them when it starts to serve the queue.
    func announcement(of queue: String) -> [RedisCommand]

    /// How the worker hears the messages of a queue of its own in this database; nil for a queue that Redis keeps.
    func broadcast(to queue: String, database: Int) -> RedisBroadcast?

    /// How long the consumer waits for a message before it turns to other work.
    var patience: Duration { get }

    // MARK: Claiming

    /// Whether one script claims from all lists, instead of one script for each list until there are enough messages.
    var claimsFromAllListsAtOnce: Bool { get }

    /// The command that claims messages.
    func claim(_ attempt: RedisClaimAttempt) -> RedisCommand

    /// The claims that an attempt made, read from the reply to ``claim(_:)``.
    func claims(in reply: RedisValue, of attempt: RedisClaimAttempt) -> [RedisClaim]

    /// The `index`th claim of an attempt whose reply was lost, from its entry in the hash of claims; nil if the entry is
    /// none of the attempt's lists.
    func claim(_ index: Int, stored: [UInt8], of attempt: RedisClaimAttempt) -> RedisClaim?

    /// The key under which the consumer raises its epoch before it looks for claims whose reply was lost.
    func epochKey(of attempt: RedisClaimAttempt) -> String

    /// The hash that the claims of a list are stored in.
    func claimsKey(of list: RedisQueueList) -> String

    /// The message in an entry of that hash; nil if the entry is not that of a message from the list.
    func payload(of stored: [UInt8], from list: RedisQueueList) -> [UInt8]?

    /// The delivery of a claimed message; and, for a message that has come back, the key that counts its beginnings,
    /// unless the claim script returned that count.
    func delivery(of claim: RedisClaim) -> (delivery: Delivery, counter: String?)

    /// Does whatever must precede a claim, such as restoring expired claims.
    func prepare(_ consumer: RedisMessageConsumer) async throws(RedisError)

    // MARK: Holding

    /// Adds a beginning to the count of a message that has come back.
    func countBeginning(of claim: RedisClaim) -> [RedisCommand]

    /// How often claims are renewed.
    var renewalInterval: Duration { get }

    /// The sorted set that orders the claims of a list by time.
    func indexKey(of list: RedisQueueList) -> String

    /// The consumer's work besides taking messages and renewing its claims.
    var chores: [RedisChore] { get }

    // MARK: Ending

    /// Ends the claims of messages that were dealt with.
    func acknowledge(_ claims: [RedisClaim]) -> [ClaimEnding]

    /// Whether messages are put back from the hash of claims, so that ``giveBack(_:park:)`` needs only the claims' tags.
    var putsBackFromClaims: Bool { get }

    /// Puts messages back at the far end of their lists, so that they run again. `park` parks a message that cannot be
    /// put back.
    func requeue(_ claims: [RedisClaim], park: (RedisClaim, MessageFault) -> ClaimEnding) -> [ClaimEnding]

    /// Puts messages that were not started, or that a stop has cut short, back at the front of their lists, in order.
    /// Their beginnings do not count. `park` parks a message that cannot be put back.
    func giveBack(_ claims: [RedisClaim], park: (RedisClaim, MessageFault) -> ClaimEnding) -> [ClaimEnding]

    /// Puts messages that were not started back at the far end of their lists, in order.
    func giveBackToEnd(_ claims: [RedisClaim], park: (RedisClaim, MessageFault) -> ClaimEnding) -> [ClaimEnding]

    /// Parks a message. The reply to the only command is 1 if the record is in the list of parked messages.
    func park(_ claim: RedisClaim, as record: [UInt8]) -> ClaimEnding

    /// Who gets claimed messages that nobody settles, and when, for the log.
    var restoration: String { get }

    /// The format of parked messages.
    var parkedFormat: ParkedMessageFormat { get }
}

extension RedisConsumerTopology {
    package func refusal(of queue: String) -> CeleriacError? { nil }
    package func announcement(of queue: String) -> [RedisCommand] { [] }
    package func broadcast(to queue: String, database: Int) -> RedisBroadcast? { nil }
    package func prepare(_ consumer: RedisMessageConsumer) async throws(RedisError) {}
    package var chores: [RedisChore] { [] }
    package var patience: Duration { .seconds(30) }
    package var putsBackFromClaims: Bool { false }

    /// The claim of the first list that the entry fits.
    package func claim(_ index: Int, stored: [UInt8], of attempt: RedisClaimAttempt) -> RedisClaim? {
        for list in attempt.lists {
            if let payload = payload(of: stored, from: list) {
                return attempt.claim(index, from: list, payload: payload)
            }
        }
        return nil
    }

    /// Puts them back at the front, where a worker gives back only what it has not started when it stops.
    package func giveBackToEnd(
        _ claims: [RedisClaim], park: (RedisClaim, MessageFault) -> ClaimEnding
    ) -> [ClaimEnding] { giveBack(claims, park: park) }
}
#endif
