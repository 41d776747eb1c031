#if AMQP
package import CeleriacAMQP
package import CeleriacCore
package import CeleriacQueues
import CeleriacWire
import CeleryWire
package import Logging
package import NIOCore
import NIOConcurrencyHelpers

/// Celery's queues at RabbitMQ.
package final class CeleryAMQPBroker: MessageBroker, AMQPParkingBroker, DeadLetteringBroker, DoubtedServer {
    let configurations: [AMQPConfiguration]
    /// The servers that workers take tasks from, and answer remote control at.
    let reading: [AMQPConfiguration]
    let topology: CeleryAMQPTopology
    let eventLoopGroup: any EventLoopGroup
    let logger: Logger
    let client: AMQPClient
    /// The queues that have been declared.
    let declared = NIOLockedValueBox<Set<String>>([])

    /// Creates a broker, which connects on first use and tries the servers in turn.
    ///
    /// - Parameters:
    ///   - configurations: the servers that tasks are sent to.
    ///   - reading: the servers that workers take tasks from; nil for the same.
    ///   - options: how queues are declared.
    ///   - queues: the queues that the application knows.
    ///   - eventLoopGroup: where connections and timers run.
    ///   - logger: the logger of the connections.
    package init(
        _ configurations: [AMQPConfiguration],
        reading: [AMQPConfiguration]? = nil,
        options: CeleryAMQPOptions = CeleryAMQPOptions(),
        queues: QueueTable = QueueTable(),
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        self.configurations = configurations
        self.reading = reading ?? configurations
        self.topology = CeleryAMQPTopology(options: options, queues: queues, logger: logger)
        self.eventLoopGroup = eventLoopGroup
        self.logger = logger
        self.client = AMQPClient(configurations: configurations, eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// The servers, without credentials.
    package var name: String { configurations.map(\.description).joined(separator: ";") }

    /// Begins to consume from queues, and declares those that do not exist.
    package func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        for queue in options.queues where !CeleryAMQPTopology.levels.contains(queue.name) {
            _ = try self.topology.queues.resolve(TaskQueue(queue.name))
        }
        // What is declared where workers take tasks may be missing where they are sent.
        let topology =
            reading == configurations
            ? self.topology
            : CeleryAMQPTopology(options: self.topology.options, queues: self.topology.queues, logger: logger)
        return try await AMQPMessageConsumer.start(
            reading, parking: client, topology: topology, options: options,
            name: reading.map(\.description).joined(separator: ";"), on: eventLoopGroup.next(), logger: logger)
    }

    /// Closes the connection.
    package func close() async {
        await client.close()
    }

    /// Has the close wait for nothing.
    package func doubt() { client.doubt() }

    // MARK: Remote control

    /// A mailbox on a connection of its own.
    package func controlMailbox(for node: String, exchanges: ControlExchanges) -> (any ControlMailbox)? {
        CeleryAMQPMailbox(broker: self, exchanges: exchanges)
    }

    /// The first server.
    package var brokerDescription: BrokerDescription {
        let first = configurations.first
        return BrokerDescription(
            transport: "amqp", host: first?.host, port: first?.port ?? 0, user: first?.user,
            virtualHost: first?.virtualHost ?? "/", isEncrypted: first?.tls != nil, loginMethod: "PLAIN")
    }

    // MARK: Looking after queues

    /// The number of messages that wait in a queue.
    package func depth(of queue: String) async throws -> Int { try await client.depth(of: queue, at: name) }

    /// Deletes all messages that wait in a queue.
    package func purge(_ queue: String) async throws -> Int { try await client.purge(queue, at: name) }

    /// The messages parked from a queue.
    package func parked(_ queue: String) -> AMQPParkedMessages {
        AMQPParkedMessages(client, at: name, queue: queue, date: { CeleryTime.date($0) })
    }
}
#endif
