#if AMQP
package import CeleriacAMQP
package import CeleriacCore
import CeleriacWire
package import CeleryWire
package import Logging
package import NIOCore
import NIOConcurrencyHelpers

/// Results over RabbitMQ as Celery's `rpc://` sends them: each once, to the queue that its caller named.
package final class CeleryRPCResults: ResultStore {
    private let configurations: [AMQPConfiguration]
    private let client: AMQPClient
    private let isPersistent: Bool
    private let logger: Logger
    private let replies: ReplyQueue

    /// Creates a store, which connects on first use and tries the servers in turn.
    ///
    /// - Parameters:
    ///   - configurations: the servers.
    ///   - content: in what form results are read.
    ///   - isPersistent: whether results that wait in a durable queue outlive a restart of the server.
    ///   - lifetime: how long the server keeps the queue of replies while nobody consumes from it; nil for ever.
    ///   - eventLoopGroup: where connections run.
    ///   - logger: the store's logger.
    package init(
        _ configurations: [AMQPConfiguration], content: CeleryResultContent = CeleryResultContent(),
        isPersistent: Bool = false, lifetime: Duration? = .seconds(86_400), eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        let replyTo = randomUUID()
        self.isPersistent = isPersistent
        self.configurations = configurations
        self.logger = logger
        self.replyTo = replyTo
        self.client = AMQPClient(configurations: configurations, eventLoopGroup: eventLoopGroup, logger: logger)
        self.replies = ReplyQueue(
            name: replyTo, content: content, lifetime: lifetime, client: client, logger: logger)
    }

    /// The servers, without credentials.
    package var name: String { "rpc via " + configurations.map(\.description).joined(separator: ";") }

    /// The queue on which this store's results arrive: the `reply_to` of messages.
    package let replyTo: String

    /// True, because a result is sent to its caller once and is not kept.
    package var deliversOnce: Bool { true }

    /// Sends states to the queues that their callers named; a state without such a queue goes nowhere.
    package func store(_ records: [ResultRecord]) async throws {
        let messages = records.filter { !$0.replyTo.isEmpty }.map { record in
            AMQPPublish(
                routingKey: record.replyTo,
                message: WireMessage(
                    properties: MessageProperties(
                        contentType: record.contentType, contentEncoding: record.contentEncoding,
                        deliveryMode: isPersistent ? 2 : 1, priority: 0, correlationID: record.correlationID),
                    body: record.payload))
        }
        guard !messages.isEmpty else { return }
        // The server drops the reply queue with its connection, and answers to this process's own calls with it if they
        // come before the queue is back. If it cannot be opened, the calls learn that when they look for their results.
        try? await replies.reopen()
        do {
            for outcome in try await client.publish(messages) { if let error = outcome.error { throw error } }
        } catch let error as AMQPError {
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .resultStore, "cannot answer by \(name)", cause: error)
        }
    }

    /// Opens the reply queue, on which the results of all tasks arrive.
    package func watch(_ taskIDs: [String], sink: any ResultSink) async throws {
        do {
            try await replies.open(sink)
        } catch let error as AMQPError {
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .resultStore, "cannot wait for results by \(name)", cause: error)
        }
    }

    /// Does nothing, because the reply queue stays until ``close()``.
    package func unwatch(_ taskIDs: [String]) {}

    /// Returns nil for each task, since nothing is kept. Opens the reply queue again if its connection was lost.
    package func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] {
        do {
            try await replies.reopen()
        } catch let error as AMQPError {
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .resultStore, "cannot wait for results by \(name)", cause: error)
        }
        return taskIDs.map { _ in nil }
    }

    /// Does nothing, because nothing is kept.
    package func forget(_ taskIDs: [String]) async throws {}

    /// Closes the connection.
    package func close() async {
        await client.close()
    }
}

extension CeleryRPCResults: DoubtedServer {
    /// Has the close wait for nothing.
    package func doubt() { client.doubt() }
}

/// The queue on which a client's results arrive.
private actor ReplyQueue {
    private let name: String
    private let content: CeleryResultContent
    private let arguments: WireObject
    private let client: AMQPClient
    private let logger: Logger
    private var channel: AMQPChannel?
    /// Whether the broker still has our consumer. It may cancel a consumer and leave the channel open.
    private let isConsuming = NIOLockedValueBox(false)
    private var sink: (any ResultSink)?
    private var opening: Gate?

    /// RabbitMQ's largest `x-expires`, in milliseconds.
    private static let longestLifetime: Int64 = 4_294_967_295

    init(name: String, content: CeleryResultContent, lifetime: Duration?, client: AMQPClient, logger: Logger) {
        self.name = name
        self.content = content
        if let lifetime {
            let milliseconds = min(Int64(lifetime.lifetimeInSeconds) * 1000, Self.longestLifetime)
            self.arguments = ["x-expires": .int(milliseconds)]
        } else {
            self.arguments = [:]
        }
        self.client = client
        self.logger = logger
    }

    func open(_ sink: any ResultSink) async throws {
        self.sink = sink
        try await reopen()
    }

    /// Begins to consume from the queue, unless it does so already.
    func reopen() async throws {
        while let opening { await opening.wait() }
        guard let sink, channel?.isOpen != true || !isConsuming.withLockedValue({ $0 }) else { return }
        let gate = Gate()
        opening = gate
        defer {
            opening = nil
            gate.open()
        }
        await channel?.close()
        let connection = try await client.connection()
        let channel = try await connection.openChannel(confirms: false)
        // Celery declares the queue the same way.
        try await channel.queueDeclare(
            name, durable: true, exclusive: false, autoDelete: true, arguments: arguments)
        isConsuming.withLockedValue { $0 = true }
        try await channel.consume(queue: name, noAck: true) { [isConsuming, content] events in
            for event in events {
                switch event {
                case .deliveries(let deliveries):
                    sink.receive(
                        deliveries.compactMap { delivery in
                            delivery.message.properties.correlationID.map {
                                ($0, content.payload(of: delivery.message))
                            }
                        })
                case .cancelled, .closed:
                    isConsuming.withLockedValue { $0 = false }
                    sink.updatesMayBeMissing()
                }
            }
        }
        self.channel = channel
    }
}

extension CeleryRPCResults: HealthChecked {
    /// Asks RabbitMQ whether it answers.
    package func checkHealth() async throws {
        do {
            try await client.checkHealth()
        } catch {
            throw CeleriacError(.unavailable, "\(name) does not answer", cause: error)
        }
    }
}
#endif
