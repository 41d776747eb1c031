#if AMQP
package import CeleriacAMQP
package import CeleriacCore
package import CeleriacQueues
import CeleriacWire
import FoundationEssentials
package import Logging
import MachineryWire
package import NIOCore
import NIOConcurrencyHelpers

/// Machinery's exchange and queues at RabbitMQ.
package final class MachineryAMQPBroker: MessageBroker, AMQPParkingBroker, DeadLetteringBroker, DoubtedServer {
    let configurations: [AMQPConfiguration]
    let options: MachineryAMQPOptions
    let eventLoopGroup: any EventLoopGroup
    let logger: Logger
    private let client: AMQPClient
    private let timers: EventLoopTimerSource
    private let declared = NIOLockedValueBox<Set<QueueDeclaration>>([])

    /// Creates a broker, which connects on first use and tries the servers in turn.
    package init(
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
    package var name: String { configurations.map(\.description).joined(separator: ";") }

    /// Publishes messages and waits for their confirms. Delayed messages go to a delay queue.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` or `publishFailed`; ``PartialPublishError`` if the broker
    ///   took some of the messages.
    package func publish(_ messages: [OutgoingMessage]) async throws {
        let atOnce = messages.indices.filter { messages[$0].notBefore == nil }
        // A direct exchange returns messages that no queue takes. On other exchanges that may be intended.
        let publishes = atOnce.map { index in
            AMQPPublish(
                exchange: options.exchange, routingKey: messages[index].routingKey, mandatory: options.isDirect,
                message: messages[index].message, omitsEmptyHeaders: true)
        }
        let found = await client.publish(publishes) { places, anew throws(AMQPError) in
            if anew { declared.withLockedValue { $0 = [] } }
            try await declare(Set(places.map { publishes[$0].routingKey }))
        }
        var failures = AMQPPublishFailures()
        for (place, error) in found.refused { failures.add(error, at: atOnce[place], isAnswer: true) }
        for (place, error) in found.unknown { failures.add(error, at: atOnce[place], isAnswer: false) }
        for index in messages.indices where messages[index].notBefore != nil {
            do throws(AMQPError) {
                try await publishDelayed(messages[index])
            } catch {
                failures.add(error, at: index, isAnswer: error.code == .nacked || error.code == .returned)
            }
        }
        try failures.check(of: messages.count, at: name)
    }

    /// Publishes to a delay queue. It declares the queue each time, because the server drops the queue with its
    /// messages if no process has declared it for twice the delay. It declares the queue again once the message is in
    /// it, so that the message leaves before the queue is dropped. If this process or the server was too slow for that,
    /// it publishes the message again with a longer delay: twice is better than never.
    private func publishDelayed(_ message: OutgoingMessage) async throws(AMQPError) {
        // The queue to which the message is dead-lettered must exist by then.
        try await declare([message.routingKey])
        var shortest: Int64 = 250
        for isLastTry in [false, false, false, true] {
            let start = timers.now
            let wanted = (message.notBefore?.timeIntervalSince(start) ?? 0) * 1000
            let milliseconds = max(shortest, Int64(min(max(wanted, 1), 1e15)))
            let outcome: AMQPPublishOutcome?
            do {
                outcome = try await publish(message, delayedBy: milliseconds)
            } catch let error where error.replyCode == 404 && !isLastTry {
                // The queue was dropped while it was being declared.
                shortest = milliseconds.multipliedReportingOverflow(by: 2).partialValue
                continue
            }
            let isInTime =
                !options.delayedQueue.isEmpty || timers.now.timeIntervalSince(start) * 500 < Double(milliseconds)
            if let error = outcome?.error {
                if isLastTry { throw error }
            } else if isInTime || isLastTry {
                return
            }
            shortest = milliseconds.multipliedReportingOverflow(by: 2).partialValue
        }
    }

    private func publish(
        _ message: OutgoingMessage, delayedBy milliseconds: Int64
    ) async throws(AMQPError) -> AMQPPublishOutcome? {
        let (queue, expiration) = options.delayQueue(routingKey: message.routingKey, milliseconds: milliseconds)
        var delayed = message.message
        delayed.properties.priority = nil
        delayed.properties.expiration = expiration
        let exchange = options.exchangeOfNamedQueues
        let publish = AMQPPublish(
            exchange: exchange, routingKey: queue.queue, mandatory: options.isDirect || exchange.isEmpty,
            message: delayed, omitsEmptyHeaders: true)
        var outcome: AMQPPublishOutcome?
        try await client.connection().withChannel { channel throws(AMQPError) in
            try await channel.declareExchange(self.options)
            try await channel.declare(queue, exchange: exchange)
            outcome = try await self.client.publish([publish]).first
            if expiration == nil { try await channel.declare(queue, exchange: exchange) }
        }
        return outcome
    }

    private func declare(_ routingKeys: Set<String>) async throws(AMQPError) {
        let wanted = Set(routingKeys.flatMap { options.publisherQueues(routingKey: $0) })
        let undeclared = declared.withLockedValue { wanted.subtracting($0) }
        guard !undeclared.isEmpty else { return }
        try await client.connection().declare(undeclared.sorted { $0.queue < $1.queue }, options)
        declared.withLockedValue { $0.formUnion(undeclared) }
    }

    /// Begins to consume.
    package func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        try await AMQPMessageConsumer.start(
            configurations, parking: client, topology: MachineryAMQPTopology(options: self.options), options: options,
            name: name, on: eventLoopGroup.next(), logger: logger)
    }

    /// Closes the connection.
    package func close() async {
        await client.close()
    }

    /// Has the close wait for nothing.
    package func doubt() { client.doubt() }

    // MARK: Looking after queues

    /// The number of messages that wait in a queue, without delayed tasks whose time has not come.
    package func depth(of queue: String) async throws -> Int { try await client.depth(of: queue, at: name) }

    /// Deletes all messages that wait in a queue.
    package func purge(_ queue: String) async throws -> Int { try await client.purge(queue, at: name) }

    /// The messages parked from a queue.
    package func parked(_ queue: String) -> AMQPParkedMessages {
        AMQPParkedMessages(client, at: name, queue: queue, date: { GoTime($0)?.date })
    }
}

extension MachineryAMQPBroker: KeyedBroker {
    /// The key by which a direct exchange has the queue bound: the binding key for the default queue. Other exchanges give
    /// a message to all workers' queues whatever its key is.
    package func routingKey(ofQueue queue: String) -> String {
        options.isDirect ? options.workQueue(queue).bindingKey : queue
    }
}
#endif
