package import struct FoundationEssentials.Date

/// A consumer whose broker can keep a message until shortly before the time of its task.
///
/// A worker that holds a message does so in the same connection until it settles it. Where a broker limits how long
/// that may take, a worker that waits for a distant time should not hold the message.
package protocol PostponingConsumer: MessageConsumer {
    /// How far away a task's time may be for the worker to hold its message; nil if the worker is to hold any.
    var longestHold: Duration? { get }

    /// Copies messages to where the broker keeps them until shortly before their times. Then they come back to the
    /// queues that they came from, as they are now. The worker acknowledges what was copied.
    ///
    /// Meanwhile the worker does not settle the deliveries. One call at a time is under way, and it ends whatever the
    /// network does.
    ///
    /// - Returns: for each message, in order, whether the broker has confirmed that it has the copy. The worker holds the
    ///   others.
    func postpone(_ postponements: [Postponement]) async -> [Bool]
}

/// A message that the broker is to keep.
package struct Postponement: Sendable, Hashable {
    /// The delivery.
    package var receipt: Receipt
    /// The time of its task.
    package var time: Date

    /// Creates a postponement.
    package init(_ receipt: Receipt, until time: Date) {
        self.receipt = receipt
        self.time = time
    }
}
