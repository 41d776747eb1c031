#if AMQP

internal import CeleriacWire
internal import DequeModule

/// The publishes of one confirm channel that the broker has not answered for, in the order in which they were sent.
struct ConfirmLedger {
    /// The sequence number of the next publish. The first after `confirm.select` is 1.
    private(set) var nextSequence: UInt64 = 1
    private var batches = Deque<PublishBatch>()
    /// The first publish that a further return can refer to.
    private var nextReturn: UInt64 = 1

    /// Whether the broker has answered for every publish.
    var isEmpty: Bool { batches.isEmpty }

    /// Records a batch that is being sent.
    mutating func add(_ batch: PublishBatch) {
        batch.firstSequence = nextSequence
        nextSequence = batch.endSequence
        batches.append(batch)
    }

    /// Records a `basic.ack` or `basic.nack` from the broker.
    ///
    /// - Returns: The batches that it completes.
    mutating func settle(
        _ tag: UInt64, multiple: Bool, as outcome: AMQPPublishOutcome
    ) throws(AMQPError) -> [PublishBatch] {
        guard tag < nextSequence, tag > 0 || multiple else { throw .violation("a confirm of unknown publish \(tag)") }
        var finished: [PublishBatch] = []
        if multiple {
            let end = tag == 0 ? nextSequence : tag + 1
            for batch in batches {
                guard batch.firstSequence < end else { break }
                guard batch.unsettled > 0 else { continue }
                for index in 0..<Int(min(end, batch.endSequence) - batch.firstSequence) {
                    batch.settle(index, outcome)
                }
                if batch.unsettled == 0 { finished.append(batch) }
            }
        } else if let batch = batch(of: tag), batch.unsettled > 0 {
            batch.settle(Int(tag - batch.firstSequence), outcome)
            if batch.unsettled == 0 { finished.append(batch) }
        }
        while batches.first?.unsettled == 0 { batches.removeFirst() }
        return finished
    }

    /// Records a `basic.return`.
    ///
    /// The method does not identify a publish. Returns arrive in the order of the publishes, so this one belongs to the
    /// next mandatory publish with the same exchange, routing key, ids and body. The match is exact except for
    /// identical messages, which nobody can tell apart.
    mutating func markReturned(
        exchange: String, routingKey: String, message: WireMessage, _ outcome: AMQPPublishOutcome
    ) {
        for batch in batches where batch.endSequence > nextReturn {
            let start = Int(max(nextReturn, batch.firstSequence) - batch.firstSequence)
            for index in start..<batch.messages.count where !batch.isSettled(index) {
                let publish = batch.messages[index]
                guard publish.mandatory, publish.exchange == exchange, publish.routingKey == routingKey,
                    publish.message.properties.correlationID == message.properties.correlationID,
                    publish.message.properties.messageID == message.properties.messageID,
                    publish.message.body == message.body
                else { continue }
                batch.markReturned(index, outcome)
                nextReturn = batch.firstSequence + UInt64(index) + 1
                return
            }
        }
    }

    /// Removes and returns every unanswered batch.
    mutating func removeAll() -> [PublishBatch] {
        defer { batches.removeAll() }
        return batches.filter { $0.unsettled > 0 }
    }

    private func batch(of tag: UInt64) -> PublishBatch? {
        guard let first = batches.first, tag >= first.firstSequence else { return nil }
        if tag < first.endSequence { return first }
        var low = 1
        var high = batches.count
        while low < high {
            let middle = (low + high) / 2
            if batches[middle].endSequence <= tag { low = middle + 1 } else { high = middle }
        }
        return low < batches.count ? batches[low] : nil
    }
}

/// The messages of one publishing call, and the known outcome of each.
final class PublishBatch {
    let messages: [AMQPPublish]
    /// The caller that waits for the outcomes.
    let waiter: WaiterID
    /// The sequence number of the first message, in the channel's count of publishes.
    var firstSequence: UInt64 = 0
    /// How many messages the broker has not answered for.
    private(set) var unsettled: Int
    private var known: [AMQPPublishOutcome?]
    /// The returned messages. A `basic.return` precedes the message's confirm.
    private var returned: [Int: AMQPPublishOutcome] = [:]

    init(_ messages: [AMQPPublish], waiter: WaiterID) {
        self.messages = messages
        self.waiter = waiter
        unsettled = messages.count
        known = Array(repeating: nil, count: messages.count)
    }

    /// The sequence number after the last message's.
    var endSequence: UInt64 { firstSequence + UInt64(messages.count) }

    func isSettled(_ index: Int) -> Bool { known[index] != nil }

    /// Records a confirm, once.
    func settle(_ index: Int, _ outcome: AMQPPublishOutcome) {
        guard known[index] == nil else { return }
        known[index] = returned[index] ?? outcome
        unsettled -= 1
    }

    func markReturned(_ index: Int, _ outcome: AMQPPublishOutcome) {
        returned[index] = outcome
    }

    /// The outcome of each message, as far as it is known.
    func outcomes() -> [AMQPPublishOutcome] {
        known.map { $0 ?? .unconfirmed }
    }
}

#endif
