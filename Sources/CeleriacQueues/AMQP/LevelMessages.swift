#if AMQP
package import CeleriacWire

/// What others than its worker may know of a message in the levels of ``DelayLevels``.
package enum LevelMessages {
    /// The levels' queues, from the top.
    package static let queues = (0..<DelayLevels.count).reversed().map { DelayLevels.name($0) }

    /// The queue to which a message goes back that was taken from a level, and the message as its worker knew it; nil for
    /// a message that no worker of ours has put there.
    package static func origin(of message: WireMessage) -> (queue: String, message: WireMessage)? {
        guard let queue = message.headers[MessageOrigin.header]?["queue"]?.stringValue else { return nil }
        return (queue, message.unmoved(queue: queue))
    }
}
#endif
