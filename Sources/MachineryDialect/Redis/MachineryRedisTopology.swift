#if Redis
import CeleriacCore
import CeleriacQueues
import CeleriacRedis
import CeleriacWire
import Logging
import MachineryWire
import NIOConcurrencyHelpers
import NIOCore

import struct FoundationEssentials.Date

/// The keys under which a queue's messages lie while Celeriac workers hold them. Go workers hold theirs in memory and
/// do not use these keys.
struct InFlightKeys: Sendable {
    /// The queue itself: a list.
    let queue: String
    /// What the other keys begin with.
    private let beginning: String

    /// Creates the keys of a queue. In a cluster the queue's name is their hash tag, so that they lie in its slot.
    init(queue: String, inCluster: Bool) {
        self.queue = queue
        beginning = inCluster ? RedisSlot.beginning(besides: queue) : queue
    }

    /// Messages by claim: a hash.
    var claims: String { beginning + ".celeriac.claims" }
    /// Claims by the time at which they were last renewed, in seconds since 1970: a sorted set.
    var claimed: String { beginning + ".celeriac.claimed" }
    /// How often a message that came back was begun or requeued, by the SHA-1 of the message: a hash.
    var attempts: String { beginning + ".celeriac.attempts" }
    /// Where workers once kept a message that Redis had handed to them: a list. Nothing is put there any more; every
    /// claim begins there, so that nothing stays behind after an upgrade.
    var handover: String { beginning + ".celeriac.handover" }
    /// Parked messages: a list.
    var parked: String { beginning + ".parked" }

    /// The epoch of the consumer whose claims begin with a prefix.
    func epoch(_ tagPrefix: String) -> String { "\(beginning).celeriac.epoch.\(tagPrefix)" }

    /// Says, in a cluster, that a delayed task was put into the queue, as long as it may also be among the delayed ones.
    func moved(_ message: [UInt8]) -> String { "\(beginning).celeriac.moved.\(SHA1.hexadecimal(message))" }

    /// All keys in the order in which scripts expect them.
    var all: [String] { [queue, handover, claims, claimed, attempts, parked] }
}

extension ParkedMessageFormat {
    /// The form in which this package's Machinery workers record the messages that they park.
    static let machinery = ParkedMessageFormat(
        style: .go, text: { GoTime($0).description }, date: { GoTime($0)?.date })
}

/// How workers consume Machinery's queues in Redis: a list for each queue, claims beside it, and a set of tasks that
/// wait for their time.
struct MachineryRedisTopology: RedisConsumerTopology {
    /// A script's stack holds a few thousand values.
    private static let portion = 1000

    let settings: MachineryRedisSettings
    /// The queue of delayed tasks that name none.
    let defaultQueue: String
    /// Whether the keys lie in a cluster.
    let inCluster: Bool
    /// The looks for expired claims, by the key of the list.
    private let looks = NIOLockedValueBox<[String: SteadyLooks]>([:])

    init(settings: MachineryRedisSettings, defaultQueue: String, inCluster: Bool = false) {
        self.settings = settings
        self.defaultQueue = defaultQueue
        self.inCluster = inCluster
    }

    /// The keys beside a queue.
    func keys(of queue: String) -> InFlightKeys { InFlightKeys(queue: queue, inCluster: inCluster) }

    // MARK: Lists

    var servedEnd: ListWait.End { .left }

    func lists(of queue: String) -> [RedisQueueList] {
        let keys = keys(of: queue)
        return [RedisQueueList(queue: queue, key: queue, scriptKeys: keys.all)]
    }

    // MARK: Claiming

    var claimsFromAllListsAtOnce: Bool { false }

    func claim(_ attempt: RedisClaimAttempt) -> RedisCommand {
        .evaluate(
            MachineryScripts.claim, keys: attempt.lists.flatMap(\.scriptKeys) + [epochKey(of: attempt)],
            arguments: [
                attempt.limit, attempt.time, attempt.tagPrefix, Int64(clamping: attempt.firstSerial), attempt.epoch,
                attempt.maximumBytes,
            ])
    }

    func claims(in reply: RedisValue, of attempt: RedisClaimAttempt) -> [RedisClaim] {
        guard let found = reply.array, let list = attempt.lists.first else { return [] }
        return stride(from: 0, to: found.count - 1, by: 2).compactMap { position in
            found[position].bytes.map {
                attempt.claim(position / 2, from: list, payload: $0, attempts: found[position + 1].int)
            }
        }
    }

    func epochKey(of attempt: RedisClaimAttempt) -> String {
        keys(of: attempt.lists.first?.queue ?? "").epoch(attempt.tagPrefix)
    }

    func claimsKey(of list: RedisQueueList) -> String { keys(of: list.queue).claims }

    func payload(of stored: [UInt8], from list: RedisQueueList) -> [UInt8]? { stored }

    func delivery(of claim: RedisClaim) -> (delivery: Delivery, counter: String?) {
        let delivery = Delivery(
            content: .success(WireMessage(body: claim.payload)), queue: claim.list.queue,
            redelivered: claim.attempts != nil, attempts: claim.attempts ?? 0, receipt: claim.receipt)
        return (delivery, nil)
    }

    // MARK: Holding

    func countBeginning(of claim: RedisClaim) -> [RedisCommand] {
        [.evaluate(MachineryScripts.countBeginning, keys: claim.list.scriptKeys, arguments: [claim.tag])]
    }

    var renewalInterval: Duration { settings.claimLifetime / 4 }

    func indexKey(of list: RedisQueueList) -> String { keys(of: list.queue).claimed }

    var chores: [RedisChore] {
        [
            RedisChore(every: settings.claimLifetime / 2, restoreExpiredClaims),
            RedisChore(every: settings.pollPeriod) { consumer in
                if inCluster { moveDueTasksInSteps(consumer) } else { moveDueTasks(consumer) }
            },
        ]
    }

    /// Puts back all messages of workers that have died.
    ///
    /// It looks first, and restores once the server has answered. A script that waits in the socket of a server that stands
    /// still would overtake the renewals that wait in the sockets of others.
    private func restoreExpiredClaims(_ consumer: RedisMessageConsumer) {
        let now = consumer.timers.now
        let limit = now.timeIntervalSince1970 - settings.claimLifetime.seconds
        for list in consumer.knownLists {
            let begins = looks.withLockedValue {
                $0[list.key, default: SteadyLooks(claimLifetime: settings.claimLifetime)].begin(at: now)
            }
            guard begins else { continue }
            let look = RedisCommand("ZRANGEBYSCORE", indexKey(of: list), "-inf", limit, "LIMIT", 0, 1)
            consumer.client.submit([look]).whenComplete { [weak consumer] result in
                guard let consumer else { return }
                consumer.note("look for messages to restore to \(list.queue)", result.refusal)
                let replies = try? result.get()
                let mayRestore = looks.withLockedValue {
                    $0[list.key]?.end(at: consumer.timers.now, hasAnswered: replies != nil) == true
                }
                if mayRestore, replies?.first?.array?.isEmpty == false {
                    restoreClaims(of: list, before: limit, consumer)
                }
            }
        }
    }

    private func restoreClaims(of list: RedisQueueList, before limit: Double, _ consumer: RedisMessageConsumer) {
        let portion = 500
        let command = RedisCommand.evaluate(
            MachineryScripts.restore, keys: list.scriptKeys, arguments: [limit, portion])
        consumer.client.submit([command]).whenComplete { [weak consumer] result in
            guard let consumer else { return }
            consumer.note("restore messages to \(list.queue)", result.refusal)
            let count = (try? result.get())?.first?.int ?? 0
            if count > 0 {
                consumer.logger.notice(
                    "restored messages whose claims expired", metadata: ["messages": "\(count)"])
            }
            if count == portion { restoreClaims(of: list, before: limit, consumer) }
        }
    }

    /// Moves all delayed tasks whose time has come.
    private func moveDueTasks(_ consumer: RedisMessageConsumer) {
        let portion = 500
        let now = consumer.timers.now
        let command = RedisCommand.evaluate(
            MachineryScripts.moveDue,
            keys: [settings.delayedTasks, defaultQueue, keys(of: settings.delayedTasks).parked],
            arguments: [GoTime(now).unixNanoseconds, portion, closingOfParked(consumer)])
        consumer.client.submit([command]).whenComplete { [weak consumer] result in
            guard let consumer else { return }
            consumer.note("move delayed tasks", result.refusal)
            if (try? result.get())?.first?.int == portion { moveDueTasks(consumer) }
        }
    }

    /// The end of the record of a delayed task that is parked, behind its message.
    func closingOfParked(_ consumer: RedisMessageConsumer) -> [UInt8] {
        let tail: WireObject = [
            "reason": "undecodableDelayedTask",
            "detail": "a member of the delayed tasks that is not a task, or whose queue is no list",
            "queue": .string(settings.delayedTasks), "worker": .string(consumer.nodeName),
            "time": .string(GoTime(consumer.timers.now).description),
            // Nobody has read the task. Whoever looks after parked messages tells its caller, if it has one.
            "failure_stored": false,
        ]
        let closing = ((try? WireJSON.encode(.object(tail), style: .go)) ?? []).dropFirst()
        return [UInt8(ascii: ",")] + Array(closing)
    }

    // MARK: Ending

    func acknowledge(_ claims: [RedisClaim]) -> [ClaimEnding] {
        end(claims, by: MachineryScripts.acknowledge, []) { $0.first?.int }
    }

    var putsBackFromClaims: Bool { true }

    func requeue(_ claims: [RedisClaim], park: (RedisClaim, MessageFault) -> ClaimEnding) -> [ClaimEnding] {
        // One whose beginning was counted does not count twice.
        let counted = claims.filter(\.isCounted)
        let uncounted = claims.filter { !$0.isCounted }
        return end(counted, by: MachineryScripts.putBack, ["R", "0"])
            + end(uncounted, by: MachineryScripts.putBack, ["R", "1"])
    }

    func giveBack(_ claims: [RedisClaim], park: (RedisClaim, MessageFault) -> ClaimEnding) -> [ClaimEnding] {
        // The last message goes to the front first. No attempt counts, and a beginning that was counted is taken off.
        // Messages that were begun are pushed last, and so lie foremost.
        end(claims.filter { !$0.isCounted }.reversed(), by: MachineryScripts.putBack, ["L", "0"])
            + end(claims.filter(\.isCounted).reversed(), by: MachineryScripts.putBack, ["L", "-1"])
    }

    func giveBackToEnd(_ claims: [RedisClaim], park: (RedisClaim, MessageFault) -> ClaimEnding) -> [ClaimEnding] {
        end(claims, by: MachineryScripts.putBack, ["R", "0"])
    }

    /// Ends claims queue by queue.
    private func end(
        _ claims: [RedisClaim], by script: RedisScript, _ arguments: [String], standing: ClaimEnding.Standing? = nil
    ) -> [ClaimEnding] {
        Dictionary(grouping: claims) { ObjectIdentifier($0.list) }.values.flatMap { claims in
            stride(from: 0, to: claims.count, by: Self.portion).compactMap { start in
                let portion = claims[start..<min(start + Self.portion, claims.count)]
                return portion.first.map { first in
                    ClaimEnding(
                        portion.map(\.serial),
                        [
                            .evaluate(
                                script, keys: first.list.scriptKeys, arguments: arguments + portion.map(\.tag))
                        ], standing: standing)
                }
            }
        }
    }

    func park(_ claim: RedisClaim, as record: [UInt8]) -> ClaimEnding {
        ClaimEnding(
            [claim.serial],
            [.evaluate(MachineryScripts.park, keys: claim.list.scriptKeys, arguments: [claim.tag, record])])
    }

    var restoration: String {
        "another Celeriac worker puts them back when their claims expire, "
            + "\(settings.claimLifetime.seconds) s after the last renewal"
    }

    var parkedFormat: ParkedMessageFormat { .machinery }
}
#endif
