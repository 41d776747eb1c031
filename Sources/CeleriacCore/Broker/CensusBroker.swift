package import struct FoundationEssentials.Date

/// How many messages a queue has, and where they are.
package struct QueueCensus: Sendable, Hashable {
    /// The queue's name.
    package let name: String
    /// How many messages wait to be taken.
    package var waiting = 0
    /// How many messages workers hold unacknowledged; nil where the broker does not say.
    package var held: Int?
    /// How many of those wait in a worker for their time; nil like ``held``.
    package var scheduled: Int?
    /// How many messages are parked; nil where the broker does not say.
    package var parked: Int?
    /// How old the message is that waits for longest, in seconds; nil if none waits, or if nobody has noted when it came.
    package var oldestAge: Double?
    /// How many consumers the queue has at the broker; nil where the broker counts none.
    package var consumers: Int?

    package init(_ name: String) { self.name = name }
}

/// How many messages a broker has.
package struct BrokerCensus: Sendable {
    /// The queues that were asked for, in that order.
    package var queues: [QueueCensus]
    /// How many messages the broker keeps until their time, of all queues; nil where brokers keep none.
    package var delayed: Int?
    /// What the counts leave out, a sentence each.
    package var gaps: [String] = []

    package init(queues: [QueueCensus]) { self.queues = queues }
}

/// How a queue is bound to an exchange.
package struct BrokerBinding: Sendable, Hashable {
    /// The queue.
    package let queue: String
    /// The exchange; empty for the default exchange.
    package let exchange: String
    /// The routing key, or the pattern of routing keys.
    package let routingKey: String

    package init(queue: String, exchange: String, routingKey: String) {
        self.queue = queue
        self.exchange = exchange
        self.routingKey = routingKey
    }
}

/// A broker that can count its messages and list how queues are bound. It changes nothing by that.
package protocol CensusBroker: MessageBroker {
    /// Counts the messages of queues.
    ///
    /// - Parameters:
    ///   - queues: the queues' names. One that does not exist has no messages.
    ///   - now: the time.
    /// - Returns: the counts.
    /// - Throws: ``CeleriacError`` with code `unavailable`, or the broker's error.
    func census(of queues: [String], now: Date) async throws -> BrokerCensus

    /// Lists the bindings that the broker has.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where the broker tells nobody of them, `unavailable`, or the
    ///   broker's error.
    func bindings() async throws -> [BrokerBinding]
}
