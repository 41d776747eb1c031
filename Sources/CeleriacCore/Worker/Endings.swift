import DequeModule

import struct FoundationEssentials.Date

/// What the deliveries of one message have in common. A retry of its task has other `retries` or another body.
struct MessageIdentity: Sendable, Hashable {
    /// The task's id.
    let id: String
    /// How often the task was retried before.
    let retries: Int
    /// The body as it is on the wire.
    let body: [UInt8]
    /// How often it was moved to wait for its time: the message that was moved is not the one that comes back.
    var moves = 0
}

/// How tasks ended whose messages the broker may deliver again all the same.
///
/// A settlement that is on its way when its connection is lost may not arrive, and nobody hears of that. The latest
/// settlements of a connection are therefore kept until a delivery comes from the next one; from then on they are
/// doubtful, like those of which it is known that they did not arrive. A redelivery finds its own among the doubtful.
///
/// Memory is bounded: of each kind ``maximumCount`` endings with ``maximumBytes`` of bodies and results are kept, the
/// latest. A broker has as many settlements on their way at most as it lets a worker hold messages. Doubt also has an
/// end in time, because a message with the same id and body may be a second sending that another worker has lost.
struct Endings: Sendable {
    private struct Ending {
        let message: MessageIdentity
        let disposition: Settlement.Disposition
        var answers: [ResultRecord]
        var receipt: Receipt
        /// When the broker is taken to have heard of it.
        var deadline: Date
        /// Its number among the doubtful.
        var number: UInt64 = 0

        /// How much it is to remember.
        var bytes: Int { answers.reduce(message.body.count) { $0 + $1.payload.count } }
    }

    /// How many endings are kept of each kind.
    static let maximumCount = 2048
    /// How many bytes of bodies and results are kept of each kind.
    static let maximumBytes = 16 << 20
    /// How long after a settlement was sent it may turn out to be lost: longer than a dead connection goes unnoticed.
    static let doubt = 300.0
    /// How long a settlement that did not arrive is kept for the redelivery, which comes when the broker is back.
    static let patience = 3600.0

    /// The generation of the latest delivery or settlement.
    private var generation: UInt64?
    /// Endings of this generation, the oldest first.
    private var recent = Deque<Ending>()
    private var recentBytes = 0
    private var doubtful: [String: [Ending]] = [:]
    /// The doubtful endings, the oldest first, and some that are no longer there.
    private var order = Deque<(id: String, number: UInt64, bytes: Int)>()
    private var lastNumber: UInt64 = 0
    private var doubtfulBytes = 0

    /// Adds the ending of a message.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - disposition: how it was settled.
    ///   - answers: the results that were sent to the caller, if the store keeps none.
    ///   - receipt: the receipt with which it was settled.
    ///   - isLost: whether the settlement did not reach the broker, as far as is known.
    ///   - now: the time.
    mutating func add(
        _ message: MessageIdentity, _ disposition: Settlement.Disposition, answers: [ResultRecord] = [],
        receipt: Receipt, isLost: Bool, now: Date
    ) {
        renew(receipt.generation)
        let isLost = isLost || receipt.generation != generation
        let ending = Ending(
            message: message, disposition: disposition, answers: answers, receipt: receipt,
            deadline: now.addingTimeInterval(isLost ? Self.patience : Self.doubt))
        if isLost { doubt(ending) } else { keep(ending) }
    }

    /// Finds how the message of a redelivery ended. From then on that ending has the redelivery's receipt.
    ///
    /// - Parameters:
    ///   - message: the message.
    ///   - receipt: the receipt of the redelivery.
    ///   - now: the time.
    /// - Returns: what the redelivery takes over; nil if no doubtful ending is of this message.
    mutating func takeOver(
        _ message: MessageIdentity, by receipt: Receipt, now: Date
    ) -> HeldTasks.Takeover? {
        renew(receipt.generation)
        guard var endings = doubtful[message.id],
            let place = endings.firstIndex(where: { $0.message == message && $0.deadline > now })
        else { return nil }
        var ending = endings.remove(at: place)
        doubtful[message.id] = endings.isEmpty ? nil : endings
        if doubtful.isEmpty {
            order = []
            doubtfulBytes = 0
        }
        ending.receipt = receipt
        ending.deadline = now.addingTimeInterval(Self.doubt)
        let answers = ending.answers
        ending.answers = []
        keep(ending)
        return .ending(ending.disposition, answers: answers)
    }

    /// Doubts endings whose receipts the broker may have taken back before they were settled.
    mutating func doubt(settledBy receipts: Set<Receipt>, now: Date) {
        let lost = recent.filter { receipts.contains($0.receipt) }
        if lost.isEmpty { return }
        recent.removeAll { receipts.contains($0.receipt) }
        for var ending in lost {
            recentBytes -= ending.bytes
            ending.deadline = now.addingTimeInterval(Self.patience)
            doubt(ending)
        }
    }

    /// Doubts the endings of earlier generations once there is a later one.
    private mutating func renew(_ latest: UInt64) {
        guard latest > generation ?? 0 || generation == nil else { return }
        generation = latest
        for ending in recent { doubt(ending) }
        recent = []
        recentBytes = 0
    }

    private mutating func keep(_ ending: Ending) {
        recent.append(ending)
        recentBytes += ending.bytes
        while recent.count > Self.maximumCount || recentBytes > Self.maximumBytes, let oldest = recent.popFirst() {
            recentBytes -= oldest.bytes
        }
    }

    private mutating func doubt(_ ending: Ending) {
        var ending = ending
        let bytes = ending.bytes
        lastNumber += 1
        ending.number = lastNumber
        doubtful[ending.message.id, default: []].append(ending)
        order.append((ending.message.id, lastNumber, bytes))
        doubtfulBytes += bytes
        while order.count > Self.maximumCount || doubtfulBytes > Self.maximumBytes, let oldest = order.popFirst() {
            doubtfulBytes -= oldest.bytes
            doubtful[oldest.id]?.removeAll { $0.number == oldest.number }
            if doubtful[oldest.id]?.isEmpty == true { doubtful[oldest.id] = nil }
        }
    }
}
