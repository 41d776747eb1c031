#if AMQP
import CeleriacAMQP
import CeleriacWire

/// What a consumer knows of the companions of its queues.
struct RedeliveredState {
    /// The bit by which the receipts of the companions' channel differ from those of the other channel.
    static let bit: UInt64 = 1 << 63

    /// The companions' channel; nil before the first message was moved.
    var channel: AMQPChannel?
    /// The queues whose companions are consumed, by consumer tag.
    var tags: [String: String] = [:]
    /// Whether a companion is about to be consumed.
    var isOpening = false
    /// Queues whose companions are known to exist.
    var declared: Set<String> = []
    /// Queues whose companions the worker may not use.
    var refused: Set<String> = []

    /// The names of messages that are being moved.
    var moving: Set<String> = []

    /// Forgets the channel.
    mutating func drop() {
        channel = nil
        tags = [:]
        declared = []
    }
}

/// A delivery that goes back by being published again, and where to.
struct ReturnedDelivery {
    let generation: UInt64
    let tag: UInt64
    let target: String
    let message: WireMessage
}

/// The channels on which deliveries are settled, by the tags of their receipts.
struct SettlingChannels {
    let main: AMQPChannel
    let companions: AMQPChannel?

    func ack(_ tags: [UInt64]) { split(tags) { $0.ack($1) } }

    func nack(_ tags: [UInt64], requeue: Bool) { split(tags) { $0.nack($1, requeue: requeue) } }

    /// Acknowledges a delivery and waits until the broker has handled that, or the connection is lost.
    func ackForGood(_ tag: UInt64) async {
        ack([tag])
        try? await (tag & RedeliveredState.bit == 0 ? main : companions)?.synchronize()
    }

    private func split(_ tags: [UInt64], _ settle: (AMQPChannel, [UInt64]) -> Void) {
        let others = tags.filter { $0 & RedeliveredState.bit != 0 }
        if others.isEmpty { return tags.isEmpty ? () : settle(main, tags) }
        let mine = tags.filter { $0 & RedeliveredState.bit == 0 }
        if !mine.isEmpty { settle(main, mine) }
        if let companions { settle(companions, others.map { $0 & ~RedeliveredState.bit }) }
    }
}

extension AMQPConsumerState {
    /// The channels on which the held deliveries are settled; nil while the connection is lost.
    var channels: SettlingChannels? {
        channel.map { SettlingChannels(main: $0, companions: redelivered.channel) }
    }

    /// Whether a delivery came from a companion rather than from the queue itself.
    func isFromCompanion(_ delivery: AMQPDelivery) -> Bool { redelivered.tags[delivery.consumerTag] != nil }

    /// The tag of a delivery's receipt.
    func receiptTag(of delivery: AMQPDelivery) -> UInt64 {
        isFromCompanion(delivery) ? delivery.deliveryTag | RedeliveredState.bit : delivery.deliveryTag
    }

    /// How often a message was begun that has come back, as it says itself. What a companion delivers for the first
    /// time is about to begin, and so may be what it gave back to the queue.
    func attempts(of delivery: AMQPDelivery) -> Int {
        let attempts = delivery.message.movedAttempts
        return isFromCompanion(delivery) && delivery.hasComeBack ? attempts : max(0, attempts - 1)
    }

    /// How a delivery must go back if a negative acknowledgement would say too much: that it has begun, for a delivery
    /// of a companion, or that a quorum queue should soon drop it. Nil if nothing speaks against a negative
    /// acknowledgement.
    func returned(_ delivery: AMQPDelivery) -> ReturnedDelivery? {
        let queue = queue(of: delivery)
        let target: String
        if isFromCompanion(delivery) {
            // What has come back there has begun, whatever happens now.
            guard !delivery.hasComeBack else { return nil }
            target = RedeliveredMessage.companion(of: queue)
        } else {
            guard (delivery.deliveryCount ?? 0) >= RedeliveredMessage.mostReturns else { return nil }
            target = queue
        }
        guard delivery.defect == nil else { return nil }
        return ReturnedDelivery(
            generation: generation, tag: receiptTag(of: delivery), target: target,
            message: delivery.moved(
                attempts: delivery.message.movedAttempts, from: queue, to: target == queue ? .queue : .companion))
    }
}
#endif
