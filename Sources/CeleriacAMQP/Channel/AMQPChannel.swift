#if AMQP

package import CeleriacWire
internal import NIOCore
internal import NIOConcurrencyHelpers

/// A channel of an AMQP connection: one conversation with the broker, with its own consumers and delivery tags.
///
/// It can be used from any thread. An error that the broker finds in a method (404 for an unknown queue, 406 for other
/// arguments than the existing queue has, …) closes the channel: everyone who waits on it gets the error
/// `channelClosedByServer`, while the connection and its other channels live on.
///
/// Deliveries are settled by the channel they came on. A channel never comes back after its end, so a settlement cannot
/// reach another delivery that has the same tag on a newer channel: on a closed channel it does nothing, and the broker
/// has put the delivery back in its queue.
package final class AMQPChannel: Sendable {
    /// The connection that the channel belongs to.
    package let connection: AMQPConnection
    /// The channel's number on its connection.
    package var number: UInt16 { id.number }
    let id: ChannelID
    let mailbox = NIOLockedValueBox(ChannelMailbox())

    init(connection: AMQPConnection, id: ChannelID) {
        self.connection = connection
        self.id = id
    }

    /// Whether the channel can be used.
    package var isOpen: Bool { closure == nil }

    /// Why the channel was closed; `nil` while it is open.
    package var closure: AMQPError? { mailbox.withLockedValue { $0.closure } }

    /// Calls `handler` once when the channel has ended, by whatever means; at once if it has.
    package func onClose(_ handler: @escaping @Sendable (AMQPError) -> Void) {
        if let error = mailbox.withLockedValue({ $0.addCloseHandler(handler) }) { handler(error) }
    }

    /// Records the end and tells those who asked for it.
    func ended(_ error: AMQPError) {
        for handler in mailbox.withLockedValue({ $0.close(error) }) { handler(error) }
    }

    /// Closes the channel and waits until the broker agrees. Settlements given before are sent; unsettled deliveries go
    /// back to their queues. Whoever waits for an answer gets the error `channelClosed`.
    package func close() async {
        await connection.closeChannel(self)
    }

    // MARK: Publishing

    /// Publishes messages in one go.
    ///
    /// On a channel with confirms it returns when the broker has answered for each of them; on one without, when they
    /// were handed to the operating system. While the broker blocks publishes they wait.
    ///
    /// - Returns: What became of each message, in order.
    /// - Throws: `AMQPError`. `invalidMessage`: AMQP cannot carry one of them, and none was sent. Any other, unless its
    ///   `nothingSent` is true: the connection, the channel, the time (`timeout`, `blocked`) or the task ended before
    ///   all were answered for; each of them may or may not have reached its queue.
    package func publish(_ messages: [AMQPPublish]) async throws(AMQPError) -> [AMQPPublishOutcome] {
        guard !messages.isEmpty else { return [] }
        return try await connection.publish(messages, on: self)
    }

    /// Turns confirms on: from now on ``publish(_:)`` returns what the broker says of each message.
    package func confirmSelect() async throws(AMQPError) {
        try await call(.confirmSelect, .confirmSelect, .confirmSelectOk)
    }

    // MARK: Consuming

    /// Limits how many deliveries may be unsettled.
    ///
    /// - Parameters:
    ///   - prefetchCount: The limit; 0 is none.
    ///   - global: To RabbitMQ, `false` limits each consumer that is started from now on, and `true` all consumers of
    ///     the channel together, at once. RabbitMQ 4 and quorum queues know only `false`.
    package func qos(prefetchCount: UInt16, global: Bool = false) async throws(AMQPError) {
        try await call(.basicQos(prefetchCount: prefetchCount, global: global), .basicQos, .basicQosOk)
    }

    /// Starts a consumer.
    ///
    /// - Parameters:
    ///   - queue: The queue to consume.
    ///   - consumerTag: The consumer's name on this channel; when empty, the broker makes one.
    ///   - noAck: Whether deliveries count as settled when they are sent.
    ///   - exclusive: Whether no other consumer may have the queue.
    ///   - arguments: Further arguments, for instance `x-priority`.
    ///   - onEvents: Called on the connection's event loop, so it must not block. It gets everything that one socket
    ///     read brought in one call, and after `cancelled` or `closed` nothing more.
    /// - Returns: The consumer's tag.
    @discardableResult
    package func consume(
        queue: String, consumerTag: String = "", noAck: Bool = false, exclusive: Bool = false,
        arguments: WireObject = [:], onEvents: @escaping @Sendable ([AMQPConsumerEvent]) -> Void
    ) async throws(AMQPError) -> String {
        let answer = try await connection.consume(
            self,
            .basicConsume(
                queue: queue, consumerTag: consumerTag, noAck: noAck, exclusive: exclusive, arguments: arguments),
            noAck: noAck, onEvents: onEvents)
        guard case .method(.basicConsumeOk(let tag)) = answer else { return consumerTag }
        return tag
    }

    /// Ends a consumer and waits until the broker agrees. By then the consumer has been given the deliveries that were
    /// under way, and must still settle them. It is told nothing more.
    package func cancel(consumerTag: String) async throws(AMQPError) {
        _ = try await connection.call(
            self, .basicCancel(consumerTag: consumerTag), MethodID.basicCancel.name, .cancel(consumerTag: consumerTag))
    }

    /// Fetches one message; `nil` when the queue is empty.
    package func get(queue: String, noAck: Bool = false) async throws(AMQPError) -> AMQPDelivery? {
        let answer = try await connection.call(
            self, .basicGet(queue: queue, noAck: noAck), MethodID.basicGet.name, .get(noAck: noAck))
        guard case .message(let delivery) = answer else { return nil }
        return delivery
    }

    // MARK: Settling

    /// Acknowledges deliveries: the broker forgets them. Returns at once; acknowledgements given close together travel
    /// together. Tags that are settled already are left out.
    package func ack(_ deliveryTags: [UInt64]) {
        enqueue(.ack(deliveryTags))
    }

    /// Refuses deliveries: the broker puts them back in their queue, or dead-letters or drops them. Returns at once.
    package func nack(_ deliveryTags: [UInt64], requeue: Bool) {
        enqueue(.nack(deliveryTags, requeue: requeue))
    }

    /// Refuses one delivery with `basic.reject`. Returns at once.
    package func reject(_ deliveryTag: UInt64, requeue: Bool) {
        enqueue(.reject(deliveryTag, requeue: requeue))
    }

    private func enqueue(_ settlement: ChannelSettlement) {
        guard mailbox.withLockedValue({ $0.add(settlement) }) else { return }
        let connection = self.connection
        connection.eventLoop.execute {
            connection.assumeIsolated { $0.drainSettlements(of: self) }
        }
    }

    /// Sends a method whose answer says nothing but that it came.
    func call(_ method: ClientMethod, _ id: MethodID, _ reply: MethodID) async throws(AMQPError) {
        _ = try await connection.call(self, method, id.name, .reply(reply))
    }
}

/// What any thread can reach of a channel: settlements on their way to the event loop, and whether it has ended.
struct ChannelMailbox: Sendable {
    private var settlements: [ChannelSettlement] = []
    /// Why the channel is closed, if it is.
    private(set) var closure: AMQPError?
    private var closeHandlers: [@Sendable (AMQPError) -> Void] = []

    /// Adds a settlement; of a closed channel it is dropped, because the broker has requeued the delivery.
    ///
    /// - Returns: Whether the event loop has to be told.
    mutating func add(_ settlement: ChannelSettlement) -> Bool {
        guard closure == nil else { return false }
        settlements.append(settlement)
        return settlements.count == 1
    }

    mutating func takeAll() -> [ChannelSettlement] {
        defer { settlements = [] }
        return settlements
    }

    /// Adds a handler for the end.
    ///
    /// - Returns: Why the channel is closed; the handler is not kept then.
    mutating func addCloseHandler(_ handler: @escaping @Sendable (AMQPError) -> Void) -> AMQPError? {
        if closure == nil { closeHandlers.append(handler) }
        return closure
    }

    /// Records the end, once.
    ///
    /// - Returns: The handlers to call.
    mutating func close(_ error: AMQPError) -> [@Sendable (AMQPError) -> Void] {
        guard closure == nil else { return [] }
        closure = error
        settlements = []
        defer { closeHandlers = [] }
        return closeHandlers
    }
}

/// What a consumer says about deliveries.
enum ChannelSettlement: Sendable {
    case ack([UInt64])
    case nack([UInt64], requeue: Bool)
    case reject(UInt64, requeue: Bool)
}

#endif
