#if AMQP
import CeleriacAMQP
package import CeleriacCore
import NIOConcurrencyHelpers

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
        for queue in Set(queues.compactMap { $0 }) where (try? await parking.declareParked(queue)) != nil {
            ready.insert(queue)
        }
        // The connection may have been lost meanwhile.
        return zip(receipts, queues).map { receipt, queue in queue.map(ready.contains) == true && isHeld(receipt) }
    }

    package func park(_ receipt: Receipt, for fault: MessageFault) async throws -> Bool {
        try await parkedCount(settling: [Settlement(receipt, .park(fault))]) > 0
    }
}
#endif
