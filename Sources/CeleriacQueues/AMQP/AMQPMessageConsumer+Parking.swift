#if AMQP
import CeleriacAMQP
package import CeleriacCore
import CeleriacWire
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
}
#endif
