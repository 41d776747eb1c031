#if AMQP

package import CeleriacWire

/// A message that the broker delivered.
package struct AMQPDelivery: Sendable, Hashable {
    /// Why parts of a delivered message are unreadable.
    package struct Defect: Sendable, Hashable {
        /// The unreadable part.
        package let reason: String
        /// The property flags and property list, exactly as the content header frame carried them.
        package let propertyBytes: [UInt8]
        /// Whether the body exceeded the configuration's `maximumBodySize` and was therefore dropped.
        package let isBodyMissing: Bool
    }

    /// The consumer that received the delivery; empty for a message fetched with `get`.
    package let consumerTag: String
    /// The number by which its channel settles the delivery.
    package let deliveryTag: UInt64
    /// Whether the broker has delivered the message before.
    package let redelivered: Bool
    /// The exchange that the message was published to.
    package let exchange: String
    /// The routing key that the message was published with.
    package let routingKey: String
    /// Headers, properties and body.
    package let message: WireMessage
    /// The message's defect, if any: undecodable properties or headers, which are then empty in `message`, or a body
    /// over the configuration's `maximumBodySize`, which is then empty. Such a delivery can be settled like any other.
    package let defect: Defect?
    /// How many messages were ready behind this one when the broker handed it out; 0 unless it was fetched with `get`.
    package var messagesBehind = 0
}

/// An event for a consumer.
package enum AMQPConsumerEvent: Sendable, Equatable {
    /// Messages from one socket read, in the order in which the broker sent them.
    case deliveries([AMQPDelivery])
    /// The broker cancelled the consumer (its queue is gone, or its node failed). Nothing follows.
    case cancelled
    /// The channel or its connection closed. Nothing follows; unsettled deliveries go back to the queue.
    case closed(AMQPError)
}

#endif
