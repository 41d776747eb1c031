#if AMQP
import CeleriacAMQP
package import CeleriacCore
import CeleriacWire
import Logging
import NIOConcurrencyHelpers

/// A delivery that is being parked.
struct ParkingDelivery {
    let tag: UInt64
    let queue: String
    let message: WireMessage
    let delivery: AMQPDelivery
    let counted: CountedMessage?
}

extension AMQPConsumerState {
    /// Holds deliveries again that could not be parked.
    ///
    /// - Returns: whether it does; false if they are lost, or if the consumer stops.
    mutating func keep(_ deliveries: [ParkingDelivery], generation: UInt64) -> Bool {
        guard self.generation == generation, channel != nil, !isStopped else { return false }
        for delivery in deliveries {
            held[delivery.tag] = delivery.delivery
            counted[delivery.tag] = delivery.counted
        }
        return true
    }
}

/// How the consumer makes sure that a message is its own before the task's caller is told.
extension AMQPMessageConsumer: ParkingConsumer {
    package func canPark(_ receipts: [Receipt]) async -> [Bool] {
        let queues = state.withLockedValue { state in
            receipts.map { receipt -> String? in
                guard receipt.generation == state.generation, let delivery = state.held[receipt.tag],
                    !delivery.lacksBody
                else { return nil }
                return state.queue(of: delivery)
            }
        }
        var ready: Set<String> = []
        for queue in Set(queues.compactMap { $0 }) {
            do {
                try await parking.refuseIfBlocked()
                if let exchange = options.parkingPolicy.deadLetterExchange, await lack(of: exchange) == nil {
                    ready.insert(queue)
                    continue
                }
                try await parking.declareParked(queue)
                ready.insert(queue)
            } catch {
                // What the broker refuses stays with this worker, so that nobody else tells the caller.
                if !error.isOutOfReach { ready.insert(queue) }
            }
        }
        // The connection may have been lost meanwhile.
        return zip(receipts, queues).map { receipt, queue in queue.map(ready.contains) == true && isHeld(receipt) }
    }

    package func park(_ receipt: Receipt, for fault: MessageFault) async throws -> Bool {
        try await parkedCount(settling: [Settlement(receipt, .park(fault))]) > 0
    }

    // MARK: Where they go

    /// Parks messages, or publishes them to the operator's own exchange.
    ///
    /// - Returns: one entry for each message: the error that kept it from being parked, or nil if the broker has it.
    /// - Throws: an error that is not about one message: the broker is out of reach.
    func setAside(_ messages: [(queue: String, message: WireMessage)]) async throws(AMQPError) -> [AMQPError?] {
        guard let exchange = options.parkingPolicy.deadLetterExchange else { return try await parking.park(messages) }
        try await parking.refuseIfBlocked()
        var failures: [AMQPError?] = Array(repeating: nil, count: messages.count)
        let left = try await deadLetter(messages, to: exchange)
        if left.isEmpty { return failures }
        for (index, failure) in zip(left, try await parking.park(left.map { messages[$0] })) {
            failures[index] = failure
        }
        return failures
    }

    /// Publishes messages to an exchange that must lead to a queue.
    ///
    /// - Returns: the places of those that are still to be parked.
    private func deadLetter(
        _ messages: [(queue: String, message: WireMessage)], to exchange: String
    ) async throws(AMQPError) -> [Int] {
        let key = options.parkingPolicy.deadLetterRoutingKey
        let left: [Int]
        var failure: AMQPError?
        do throws(AMQPError) {
            // The broker closes the channel of who publishes to a missing exchange, and others use that as well.
            if let lack = await lack(of: exchange) { throw lack }
            let outcomes = try await parking.publish(
                messages.map { queue, message in
                    AMQPPublish(
                        exchange: exchange,
                        routingKey: key ?? message.headers[ParkedHeader.routingKey]?.stringValue ?? queue,
                        mandatory: true, message: message)
                })
            left = outcomes.indices.filter { outcomes[$0].error != nil }
            failure = left.first.flatMap { outcomes[$0].error }
        } catch {
            if error.isOutOfReach { throw error }
            left = Array(messages.indices)
            failure = error
        }
        let isFirst = state.withLockedValue { state in
            defer { state.cannotDeadLetter = failure != nil }
            return !state.cannotDeadLetter
        }
        if let failure, isFirst {
            logger.warning(
                "the dead-letter exchange does not take what cannot be run: it is parked",
                metadata: ["exchange": "\(exchange)", "messages": "\(left.count)", "error": "\(failure)"])
        }
        return left
    }

    /// Why an exchange cannot be published to; nil if it can.
    private func lack(of exchange: String) async -> AMQPError? {
        // The default exchange is always there.
        if exchange.isEmpty { return nil }
        do throws(AMQPError) {
            try await parking.connection().withChannel { channel throws(AMQPError) in
                try await channel.exchangeDeclare(exchange, passive: true)
            }
            return nil
        } catch {
            return error
        }
    }
}
#endif
