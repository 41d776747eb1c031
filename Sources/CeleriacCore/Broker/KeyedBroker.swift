/// A broker whose queues get messages by keys that may differ from their names.
package protocol KeyedBroker: MessageBroker {
    /// The routing key with which a message comes to a queue, and to no other.
    func routingKey(ofQueue queue: String) -> String
}
