#if AMQP

package import CeleriacWire

/// A message that the broker delivered.
package struct AMQPDelivery: Sendable, Hashable {
    /// Why parts of a delivered message could not be read.
    package struct Defect: Sendable, Hashable {
        /// What could not be read.
        package let reason: String
        /// The property flags and property list, exactly as they came in the content header frame.
        package let propertyBytes: [UInt8]
        /// Whether the body is past the configuration's `maximumBodySize`, and so is not here.
        package let isBodyMissing: Bool
    }

    /// The consumer it came to; empty for a message that was fetched with `get`.
    package let consumerTag: String
    /// The number by which its channel settles it.
    package let deliveryTag: UInt64
    /// Whether the broker delivered it before.
    package let redelivered: Bool
    /// The exchange it was published to.
    package let exchange: String
    /// The routing key it was published with.
    package let routingKey: String
    /// Headers, properties and body.
    package let message: WireMessage
    /// What is wrong with the message, if anything: properties or headers that cannot be decoded (they are empty in
    /// `message` then), or a body past the configuration's `maximumBodySize` (which is empty then). It can be settled
    /// like any other.
    package let defect: Defect?
}

/// What a consumer is told.
package enum AMQPConsumerEvent: Sendable, Equatable {
    /// Messages, in the order in which the broker sent them: those of one socket read together.
    case deliveries([AMQPDelivery])
    /// The broker cancelled the consumer (its queue is gone, or its node failed). Nothing follows.
    case cancelled
    /// The channel or its connection closed. Nothing follows; unsettled deliveries go back to the queue.
    case closed(AMQPError)
}

#endif
