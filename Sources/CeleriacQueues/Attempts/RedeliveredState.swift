#if AMQP
import CeleriacAMQP
import CeleriacWire

/// A companion that is consumed, or was, on a channel of its own: what the broker refuses there costs others nothing.
struct CompanionSource {
    let queue: String
    let consumerTag: String
    let channel: AMQPChannel
    /// Whether the companion is consumed: not yet, or no longer, if it is not active.
    var phase = Phase.opening
    /// Whether the channel has ended, so that the broker delivers again what came on it.
    var isLost = false

    enum Phase { case opening, active, ended }
}

/// What a consumer knows of the companions of its queues.
struct RedeliveredState {
    /// The bit by which the receipts of companions differ from those of queues.
    private static let bit: UInt64 = 1 << 63
    /// How many bits of a receipt the broker's tag has. Those between are the companion's number.
    private static let tagBits: UInt64 = 48
    /// How many companions a connection may consume, one after the other.
    private static let most = 1 << 15

    /// The companions that were consumed on this connection, by their numbers. They stay, since the worker may hold
    /// deliveries from them.
    private(set) var sources: [CompanionSource] = []
    /// Their numbers, by consumer tag.
    private var numbers: [String: Int] = [:]
    /// Queues whose companions are about to be consumed.
    var opening: Set<String> = []
    /// Queues whose companions are to be consumed again.
    var cancelled: [String] = []
    /// Queues whose companions are known to exist.
    var declared: Set<String> = []
    /// Queues whose companions the worker may not use.
    var refused: Set<String> = []

    /// The names of messages that are being moved.
    var moving: Set<String> = []
    /// Moves of which nobody knows whether they succeeded.
    var uncertain = UncertainMoves()

    /// The companions that are consumed.
    var active: [CompanionSource] { sources.filter { $0.phase == .active } }

    /// Adds a companion that is about to be consumed.
    ///
    /// - Returns: its number; nil if there are too many.
    mutating func add(_ source: CompanionSource) -> Int? {
        guard sources.count < Self.most else { return nil }
        numbers[source.consumerTag] = sources.count
        sources.append(source)
        return sources.count - 1
    }

    /// Notes that a companion is consumed.
    ///
    /// - Returns: whether it still is to be.
    mutating func activate(_ number: Int) -> Bool {
        guard sources.indices.contains(number), sources[number].phase == .opening else { return false }
        sources[number].phase = .active
        return true
    }

    /// Notes that the companions of some queues are no longer consumed.
    ///
    /// - Returns: those that were.
    mutating func deactivate(where isOver: (String) -> Bool) -> [CompanionSource] {
        let ended = active.filter { isOver($0.queue) }
        for number in sources.indices where isOver(sources[number].queue) { sources[number].phase = .ended }
        return ended
    }

    /// The number of the companion that a delivery came from; nil if it came from the queue itself.
    func number(of consumerTag: String) -> Int? { numbers.isEmpty ? nil : numbers[consumerTag] }

    /// The tag of the receipt of a companion's delivery.
    func receiptTag(_ deliveryTag: UInt64, of number: Int) -> UInt64 {
        Self.bit | UInt64(number) << Self.tagBits | deliveryTag & (1 << Self.tagBits - 1)
    }

    /// The companion whose delivery has a receipt with this tag, and the broker's tag; nil for one of a queue.
    static func parts(of tag: UInt64) -> (number: Int, deliveryTag: UInt64)? {
        guard tag & bit != 0 else { return nil }
        return (Int((tag & ~bit) >> tagBits), tag & (1 << tagBits - 1))
    }

    /// Whether the channel has ended that a delivery came on.
    func hasLost(_ tag: UInt64) -> Bool {
        guard let (number, _) = Self.parts(of: tag), sources.indices.contains(number) else { return false }
        return sources[number].isLost
    }

    /// The number and the channel of a queue's companion that is no longer consumed, if the channel has not ended.
    func ended(of queue: String) -> (number: Int, channel: AMQPChannel)? {
        guard let number = sources.lastIndex(where: { $0.queue == queue }), sources[number].phase == .ended,
            !sources[number].isLost
        else { return nil }
        return (number, sources[number].channel)
    }

    /// Notes that a companion's channel has ended.
    ///
    /// - Returns: the companion; nil if that was known.
    mutating func lose(_ number: Int) -> CompanionSource? {
        guard sources.indices.contains(number), !sources[number].isLost else { return nil }
        if sources[number].phase == .active { cancelled.append(sources[number].queue) }
        sources[number].phase = .ended
        sources[number].isLost = true
        return sources[number]
    }

    /// Notes that the broker has cancelled a consumer, if it is a companion's.
    ///
    /// - Returns: whether it is.
    mutating func cancel(_ consumerTag: String) -> Bool {
        guard let number = number(of: consumerTag) else { return false }
        sources[number].phase = .ended
        declared.remove(sources[number].queue)
        cancelled.append(sources[number].queue)
        return true
    }

    /// Forgets the connection.
    mutating func drop() {
        sources = []
        numbers = [:]
        opening = []
        cancelled = []
        declared = []
    }
}

/// A delivery that goes back by being published again, and where to.
struct ReturnedDelivery {
    let generation: UInt64
    let tag: UInt64
    let target: String
    let message: WireMessage
    let delivery: AMQPDelivery
}

/// The channels on which deliveries are settled, by the tags of their receipts.
struct SettlingChannels {
    let main: AMQPChannel
    let companions: [CompanionSource]

    func ack(_ tags: [UInt64]) { split(tags) { $0.ack($1) } }

    func nack(_ tags: [UInt64], requeue: Bool) { split(tags) { $0.nack($1, requeue: requeue) } }

    /// Acknowledges a delivery and waits until the broker has handled that, or the connection is lost.
    func ackForGood(_ tag: UInt64) async {
        ack([tag])
        try? await channel(of: tag).channel?.synchronize()
    }

    private func channel(of tag: UInt64) -> (channel: AMQPChannel?, deliveryTag: UInt64) {
        guard let (number, deliveryTag) = RedeliveredState.parts(of: tag) else { return (main, tag) }
        return (companions.indices.contains(number) ? companions[number].channel : nil, deliveryTag)
    }

    private func split(_ tags: [UInt64], _ settle: (AMQPChannel, [UInt64]) -> Void) {
        if companions.isEmpty { return tags.isEmpty ? () : settle(main, tags) }
        for tags in Dictionary(grouping: tags, by: { RedeliveredState.parts(of: $0)?.number }).values {
            let places = tags.map { channel(of: $0) }
            if let channel = places.first?.channel { settle(channel, places.map(\.deliveryTag)) }
        }
    }
}

extension AMQPConsumerState {
    /// The channels on which the held deliveries are settled; nil while the connection is lost.
    var channels: SettlingChannels? {
        channel.map { SettlingChannels(main: $0, companions: redelivered.sources) }
    }

    /// Whether a delivery came from a companion rather than from the queue itself.
    func isFromCompanion(_ delivery: AMQPDelivery) -> Bool { redelivered.number(of: delivery.consumerTag) != nil }

    /// The tag of a delivery's receipt.
    func receiptTag(of delivery: AMQPDelivery) -> UInt64 {
        guard let number = redelivered.number(of: delivery.consumerTag) else { return delivery.deliveryTag }
        return redelivered.receiptTag(delivery.deliveryTag, of: number)
    }

    /// How often a message was begun that has come back, as it says itself. What a companion delivers for the first
    /// time is about to begin, and so may be what it gave back to the queue.
    func attempts(of delivery: AMQPDelivery) -> Int {
        let attempts = delivery.message.movedAttempts
        return isFromCompanion(delivery) && delivery.hasComeBack ? attempts : max(0, attempts - 1)
    }

    /// How a delivery that was not begun must go back if a negative acknowledgement would say too much: that it has
    /// begun, or that a quorum queue should soon drop it. Nil if nothing speaks against a negative acknowledgement.
    ///
    /// It goes back to its queue, where workers find it that know its task, and its next beginning keeps its count.
    func returned(_ delivery: AMQPDelivery, tag: UInt64) -> ReturnedDelivery? {
        guard delivery.defect == nil else { return nil }
        let count = delivery.message.movedAttempts
        let isCounted = isFromCompanion(delivery) || count > 0 && !delivery.hasComeBack
        guard isCounted || (delivery.deliveryCount ?? 0) >= RedeliveredMessage.mostReturns else { return nil }
        let queue = queue(of: delivery)
        return ReturnedDelivery(
            generation: generation, tag: tag, target: queue,
            message: delivery.moved(attempts: count > 0 ? attempts(of: delivery) + 1 : 0, from: queue, to: .queue),
            delivery: delivery)
    }
}
#endif
