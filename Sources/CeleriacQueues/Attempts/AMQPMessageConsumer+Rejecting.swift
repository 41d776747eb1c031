#if AMQP
import CeleriacAMQP
import CeleriacWire
import Logging
import NIOConcurrencyHelpers

/// Where a queue's rejected messages go.
struct DeadLetterAddress {
    let exchange: String
    /// The routing key; nil for the message's own.
    let routingKey: String?

    /// Reads the address in the arguments of a queue; nil if they name no exchange.
    init?(_ arguments: WireObject) {
        guard let exchange = arguments["x-dead-letter-exchange"]?.stringValue else { return nil }
        self.exchange = exchange
        routingKey = arguments["x-dead-letter-routing-key"]?.stringValue
    }
}

/// A delivery of a companion that is rejected.
struct RejectedDelivery {
    let generation: UInt64
    let tag: UInt64
    let queue: String
    let delivery: AMQPDelivery
}

/// How the consumer rejects what a companion has delivered.
///
/// The broker would dead-letter that as the companion says: back to its queue, to run again. So the worker publishes it
/// where the queue would have sent it. A dead-letter exchange that a policy names is not known here.
extension AMQPMessageConsumer {
    /// Dead-letters messages, or drops those without a known address, and then acknowledges them. Those that cannot be
    /// published now come back.
    func reject(_ rejected: [RejectedDelivery]) async throws(AMQPError) {
        var failure: AMQPError?
        for rejected in rejected {
            var isDealtWith = false
            do throws(AMQPError) {
                try await deadLetter(rejected)
                isDealtWith = true
            } catch {
                failure = error
            }
            let (channels, generation) = state.withLockedValue { ($0.channels, $0.generation) }
            // Deliveries of an earlier generation have gone back already.
            guard rejected.generation == generation else { continue }
            if isDealtWith { channels?.ack([rejected.tag]) } else { channels?.nack([rejected.tag], requeue: true) }
        }
        if let failure { throw failure }
    }

    /// Dead-letters a message as the broker would: an exchange that is missing, or that no queue is bound to, drops it.
    private func deadLetter(_ rejected: RejectedDelivery) async throws(AMQPError) {
        guard let address = DeadLetterAddress(topology.arguments(of: rejected.queue)) else {
            return drop(rejected, "the arguments of its queue, as the worker knows them, name no dead-letter exchange")
        }
        let delivery = rejected.delivery
        let origin = MessageOrigin(delivery.message, in: rejected.queue)
        let publish = AMQPPublish(
            exchange: address.exchange, routingKey: address.routingKey ?? origin?.routingKey ?? rejected.queue,
            mandatory: true,
            message: delivery.message.dead(in: rejected.queue, origin, keepsCopies: address.routingKey == nil))
        let error: AMQPError?
        do throws(AMQPError) {
            error = try await parking.publish([publish]).first?.error
        } catch {
            guard error.code == .channelClosedByServer, error.replyCode == 404 else { throw error }
            return drop(rejected, "its queue's dead-letter exchange does not exist")
        }
        guard let error else { return }
        guard error.code == .returned else { throw error }
        drop(rejected, "its queue's dead-letter exchange sends it to no queue")
    }

    private func drop(_ rejected: RejectedDelivery, _ reason: String) {
        logger.warning(
            "a rejected message that had come back is dropped",
            metadata: [
                "queue": "\(rejected.queue)", "reason": "\(reason)",
                "message": "\(name(of: rejected.delivery, from: rejected.queue))",
            ])
    }
}

extension WireMessage {
    /// The message as the broker would dead-letter it when its queue rejects it: with a record of that, without what
    /// would make it expire again, and without the name of a user who is not this worker's.
    fileprivate func dead(in queue: String, _ origin: MessageOrigin?, keepsCopies: Bool) -> WireMessage {
        var message = unmoved(queue: queue).uncounted()
        message.properties.expiration = nil
        message.properties.userID = nil
        if !keepsCopies { for name in ["CC", "BCC"] { message.headers[name] = nil } }
        var deaths = message.headers["x-death"]?.arrayValue ?? []
        var count = 1
        if let place = deaths.firstIndex(where: {
            $0["queue"]?.stringValue == queue && $0["reason"]?.stringValue == "rejected"
        }) {
            count += min(max(0, deaths.remove(at: place)["count"]?.intValue ?? 1), 1_000_000)
        }
        let (exchange, key): (WireValue, WireValue) = (
            .string(origin?.exchange ?? ""), .string(origin?.routingKey ?? queue)
        )
        deaths.insert(
            [
                "count": .int(Int64(count)), "reason": "rejected", "queue": .string(queue), "exchange": exchange,
                "routing-keys": [key],
            ], at: 0)
        message.headers["x-death"] = .array(deaths)
        for prefix in ["x-first-death-", "x-last-death-"]
        where prefix == "x-last-death-" || message.headers[prefix + "queue"] == nil {
            message.headers[prefix + "queue"] = .string(queue)
            message.headers[prefix + "reason"] = "rejected"
            message.headers[prefix + "exchange"] = exchange
        }
        return message
    }
}
#endif
