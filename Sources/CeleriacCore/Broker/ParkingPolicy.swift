/// How many parked messages a queue keeps and for how long, and whether what a worker cannot run goes elsewhere.
package struct ParkingPolicy: Sendable, Hashable {
    /// How many messages may be parked from a queue; nil for any number.
    package var limit: Int?
    /// How long a message stays parked; nil for ever.
    package var age: Duration?
    /// Where a worker publishes a message instead of parking it; nil to park it.
    package var deadLetterExchange: String?
    /// The routing key for that; nil for the message's own.
    package var deadLetterRoutingKey: String?

    /// Makes a policy. Without arguments, everything stays until somebody decides.
    package init(
        limit: Int? = nil, age: Duration? = nil, deadLetterExchange: String? = nil, deadLetterRoutingKey: String? = nil
    ) {
        self.limit = limit
        self.age = age
        self.deadLetterExchange = deadLetterExchange
        self.deadLetterRoutingKey = deadLetterRoutingKey
    }

    /// Whether parked messages may be dropped.
    var isBounded: Bool { limit != nil || age != nil }

    /// Refuses what cannot work.
    ///
    /// - Parameter broker: where the worker consumes.
    /// - Throws: ``CeleriacError`` with code `configuration`.
    func validate(at broker: any MessageBroker) throws(CeleriacError) {
        if let limit, limit < 1 {
            throw CeleriacError(.configuration, "maximumParkedMessages is \(limit): it must be 1 or more, or nil")
        }
        if let age, age <= .zero {
            throw CeleriacError(.configuration, "parkedMessageLifetime is \(age): it must be more than 0 s, or nil")
        }
        guard let deadLetterExchange else {
            if deadLetterRoutingKey == nil { return }
            throw CeleriacError(.configuration, "deadLetterRoutingKey needs a deadLetterExchange")
        }
        guard broker.unwrapped is any DeadLetteringBroker else {
            throw CeleriacError(
                .configuration,
                "deadLetterExchange is '\(deadLetterExchange)', but \(broker.name) has no exchanges: only RabbitMQ has")
        }
        if deadLetterExchange.isEmpty, deadLetterRoutingKey?.isEmpty ?? true {
            throw CeleriacError(
                .configuration, "deadLetterExchange is the default exchange: name a queue as the deadLetterRoutingKey")
        }
        for name in [deadLetterExchange, deadLetterRoutingKey] where (name?.utf8.count ?? 0) > 255 {
            throw CeleriacError(.configuration, "the names of dead letters have 255 bytes at most")
        }
    }
}

/// A broker whose consumers can publish messages to an exchange instead of parking them.
package protocol DeadLetteringBroker: MessageBroker {}
