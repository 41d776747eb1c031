#if AMQP
public import CeleriacAMQP
public import CeleriacCore
import CeleriacWire
public import Logging
public import NIOCore
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// Machinery's exchange and queues at RabbitMQ.
public final class MachineryAMQPBroker: Broker {
    let configurations: [AMQPConfiguration]
    let options: MachineryAMQPOptions
    let eventLoopGroup: any EventLoopGroup
    let logger: Logger
    private let client: AMQPClient
    private let timers: EventLoopTimerSource
    private let declared = NIOLockedValueBox<Set<QueueDeclaration>>([])

    /// Makes a broker. It connects on first use.
    ///
    /// - Parameter configurations: servers to try in turn.
    public init(
        _ configurations: [AMQPConfiguration],
        options: MachineryAMQPOptions = MachineryAMQPOptions(),
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        self.configurations = configurations
        self.options = options
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        self.client = AMQPClient(configurations: configurations, eventLoopGroup: eventLoopGroup, logger: logger)
        self.timers = EventLoopTimerSource(eventLoop: client.eventLoop)
    }

    /// The servers, without credentials.
    public var name: String { configurations.map(\.description).joined(separator: ";") }

    /// Publishes messages and waits for their confirms. Those that are to wait go to a delay queue, which is declared
    /// each time, since the server drops it when its time is up.
    public func publish(_ messages: [OutgoingMessage]) async throws {
        do {
            let now = timers.now
            let undelayed = messages.filter { $0.notBefore == nil }
            let delayed = messages.filter { $0.notBefore != nil }
            try await declare(Set(undelayed.map(\.routingKey)))
            var outstanding = undelayed.map { publish($0) } + (try await delayed.asyncMap { try await delay($0, now) })
            // A queue that was deleted behind our back returns its messages: it is declared anew, once.
            for isLastTry in [false, true] {
                let outcomes = try await client.publish(outstanding)
                var returned: [AMQPPublish] = []
                for (message, outcome) in zip(outstanding, outcomes) {
                    if case .returned = outcome, !isLastTry {
                        returned.append(message)
                    } else if let error = outcome.error {
                        throw error
                    }
                }
                if returned.isEmpty { return }
                outstanding = returned
                declared.withLockedValue { $0 = [] }
                try await declare(Set(returned.map(\.routingKey)))
            }
        } catch let error as AMQPError {
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .publishFailed,
                "\(messages.count) message(s) were not confirmed by \(name)", cause: error)
        }
    }

    /// Messages of a direct exchange come back where no queue takes them; on others that may be meant so.
    private func publish(_ message: OutgoingMessage) -> AMQPPublish {
        AMQPPublish(
            exchange: options.exchange, routingKey: message.routingKey, mandatory: options.isDirect,
            message: message.message, omitsEmptyHeaders: true)
    }

    private func delay(_ message: OutgoingMessage, _ now: Date) async throws(AMQPError) -> AMQPPublish {
        let seconds = message.notBefore?.timeIntervalSince(now) ?? 0
        let milliseconds = Int64(min(max(seconds * 1000, 1), 1e15))
        let (queue, expiration) = options.delayQueue(routingKey: message.routingKey, milliseconds: milliseconds)
        // Where it is dead-lettered to must exist by then.
        try await declare([message.routingKey])
        try await withChannel { channel throws(AMQPError) in
            try await channel.declare(queue, exchange: self.options.exchange)
        }
        var delayed = message.message
        delayed.properties.priority = nil
        delayed.properties.expiration = expiration
        return AMQPPublish(
            exchange: options.exchange, routingKey: queue.queue, mandatory: options.isDirect, message: delayed,
            omitsEmptyHeaders: true)
    }

    private func declare(_ routingKeys: Set<String>) async throws(AMQPError) {
        let wanted = Set(routingKeys.flatMap { options.publisherQueues(routingKey: $0) })
        let undeclared = declared.withLockedValue { wanted.subtracting($0) }
        guard !undeclared.isEmpty else { return }
        try await withChannel { channel throws(AMQPError) in
            try await channel.declareExchange(self.options)
            for queue in undeclared.sorted(by: { $0.queue < $1.queue }) {
                try await channel.declare(queue, exchange: self.options.exchange)
            }
        }
        declared.withLockedValue { $0.formUnion(undeclared) }
    }

    private func withChannel(_ body: (AMQPChannel) async throws(AMQPError) -> Void) async throws(AMQPError) {
        let channel = try await client.connection().openChannel(confirms: false)
        do throws(AMQPError) {
            try await body(channel)
        } catch {
            await channel.close()
            throw error
        }
        await channel.close()
    }

    /// Keeps messages aside, each with the reason.
    func park(_ messages: [(queue: String, message: WireMessage)]) async throws {
        for queue in Set(messages.map(\.queue)).sorted() {
            try await withChannel { channel throws(AMQPError) in
                _ = try await channel.queueDeclare("\(queue).parked", durable: true)
            }
        }
        let outcomes = try await client.publish(
            messages.map { AMQPPublish(routingKey: "\($0.queue).parked", mandatory: true, message: $0.message) })
        for outcome in outcomes { if let error = outcome.error { throw error } }
    }

    /// Begins to consume.
    public func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        let consumer = MachineryAMQPConsumer(broker: self, options: options)
        try await consumer.start()
        return consumer
    }

    /// Closes the connections.
    public func close() async {
        await client.close()
    }
}

extension Array {
    /// The results of a function that suspends, one after the other.
    fileprivate func asyncMap<Result>(_ transform: (Element) async throws -> Result) async throws -> [Result] {
        var results: [Result] = []
        for element in self { results.append(try await transform(element)) }
        return results
    }
}
#endif
