#if AMQP

/// Messages that one call published, and what is known of each.
final class PublishBatch {
    let messages: [AMQPPublish]
    let waiter: Waiter
    /// The sequence number of the first message, in the channel's count of publishes.
    var firstSequence: UInt64 = 0
    /// How many messages the broker has not answered for.
    private(set) var unsettled: Int
    private var outcomes: [AMQPPublishOutcome?]
    /// Returned messages. A `basic.return` comes before the message's confirm.
    private var returned: [Int: AMQPPublishOutcome] = [:]

    init(_ messages: [AMQPPublish], waiter: Waiter) {
        self.messages = messages
        self.waiter = waiter
        unsettled = messages.count
        outcomes = Array(repeating: nil, count: messages.count)
    }

    /// The sequence number after the last message's.
    var endSequence: UInt64 { firstSequence + UInt64(messages.count) }

    func isSettled(_ index: Int) -> Bool { outcomes[index] != nil }

    /// Records a confirm, once.
    func settle(_ index: Int, _ outcome: AMQPPublishOutcome) {
        guard outcomes[index] == nil else { return }
        outcomes[index] = returned[index] ?? outcome
        unsettled -= 1
    }

    func markReturned(_ index: Int, _ outcome: AMQPPublishOutcome) {
        returned[index] = outcome
    }

    /// Answers the caller with what became of each message.
    func finish(otherwise outcome: AMQPPublishOutcome = .unconfirmed) {
        waiter.settle(.success(.outcomes(outcomes.map { $0 ?? outcome })))
    }
}

#endif
