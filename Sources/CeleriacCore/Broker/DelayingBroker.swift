package import CeleriacWire

package import struct FoundationEssentials.Date

/// A broker in which messages wait for their times in queues of the broker's own, from which they can be taken.
package protocol DelayingBroker: MessageBroker {
    /// The queues in which messages of any queue wait for their times, without those that are empty.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable`, or the broker's error.
    func delayQueues() async throws -> [String]

    /// The queues to which a message goes that was taken from one of ``delayQueues()``.
    ///
    /// - Parameters:
    ///   - delivery: the message as it was taken.
    ///   - queues: queues that there are besides those that the application defines.
    /// - Returns: the queues, and the message as it comes there.
    func destination(ofDelayed delivery: Delivery, among queues: [String]) -> (queues: [String], message: WireMessage?)
}

/// A message that waits for its time beside the queues.
package struct DelayedMessage: Sendable {
    /// The message.
    package let message: WireMessage
    /// The queue to which it goes; nil if the message cannot be read.
    package let queue: String?
    /// Its time.
    package let time: Date

    package init(message: WireMessage, queue: String?, time: Date) {
        self.message = message
        self.queue = queue
        self.time = time
    }
}

/// A broker in which messages wait for their times beside the queues, where they can be looked at and removed.
package protocol DelayedMessageKeeper: MessageBroker {
    /// Lists messages that wait, the earliest first.
    ///
    /// - Parameters:
    ///   - time: messages whose time comes before this are left out.
    ///   - skipped: how many of the others are left out.
    ///   - limit: how many messages to return at most.
    /// - Returns: the messages.
    /// - Throws: ``CeleriacError`` with code `unavailable`, or the broker's error.
    func delayedMessages(from time: Date, skipping skipped: Int, limit: Int) async throws -> [DelayedMessage]

    /// Counts the messages that wait, of all queues.
    ///
    /// - Throws: as ``delayedMessages(from:skipping:limit:)``.
    func delayedCount() async throws -> Int

    /// Removes messages that wait.
    ///
    /// - Returns: for each, whether it was there. If it was not, a worker has taken it.
    /// - Throws: as ``delayedMessages(from:skipping:limit:)``.
    func removeDelayed(_ messages: [DelayedMessage]) async throws -> [Bool]
}

/// A broker at which the claims of a consumer that was killed stay, under names by which they can be found.
package protocol ClaimReturningBroker: MessageBroker {
    /// Puts back to the fronts of queues, in their order, what consumers held whose claims' names begin with a prefix. The
    /// consumers must have ended.
    ///
    /// - Returns: how many messages.
    /// - Throws: ``CeleriacError`` with code `unavailable`, or the broker's error.
    func giveBackClaims(beginning prefix: String, in queues: [String]) async throws -> Int
}
