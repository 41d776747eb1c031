#if AMQP

package import CeleriacWire
internal import NIOCore
internal import NIOConcurrencyHelpers

/// A channel of an AMQP connection: one conversation with the broker, with its own consumers and delivery tags.
///
/// It can be used from any thread. If the broker finds an error in a method (404 for an unknown queue, 406 for
/// arguments other than those of the existing queue, …), it closes the channel: all waiting calls on it fail with
/// `channelClosedByServer`, while the connection and its other channels stay open.
///
/// A delivery is settled on its own channel. A closed channel never reopens, so a settlement cannot reach another
/// delivery that has the same tag on a newer channel. Settling on a closed channel does nothing, since the broker has
/// already put the delivery back in its queue.
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

    /// Calls `handler` once when the channel has ended for any reason, or immediately if it already has.
    package func onClose(_ handler: @escaping @Sendable (AMQPError) -> Void) {
        if let error = mailbox.withLockedValue({ $0.addCloseHandler(handler) }) { handler(error) }
    }

    /// Records the end of the channel and calls the close handlers.
    func ended(_ error: AMQPError) {
        for handler in mailbox.withLockedValue({ $0.close(error) }) { handler(error) }
    }

    /// Closes the channel and waits for the broker to confirm, for at most five seconds. Earlier settlements are sent; unsettled deliveries
    /// return to their queues. All waiting calls fail with `channelClosed`.
    package func close() async {
        await connection.closeChannel(self)
    }

    // MARK: Publishing

    /// Publishes a batch of messages.
    ///
    /// With confirms, this returns when the broker has answered for every message. Without confirms, it returns when
    /// the messages were handed to the operating system. While the broker blocks publishes, they wait.
    ///
    /// - Returns: The outcome for each message, in order.
    /// - Throws: `AMQPError`. `invalidMessage` means that AMQP cannot carry one of the messages; none was sent. Any
    ///   other error, unless its `nothingSent` is true, means that the connection, the channel, the time limit
    ///   (`timeout`, `blocked`) or the task ended before all messages were answered for; each of them may or may not
    ///   have reached its queue.
    package func publish(_ messages: [AMQPPublish]) async throws(AMQPError) -> [AMQPPublishOutcome] {
        guard !messages.isEmpty else { return [] }
        return try await connection.publish(messages, on: self)
    }

    /// Enables confirms: from now on, ``publish(_:)`` returns the broker's answer for each message.
    package func confirmSelect() async throws(AMQPError) {
        try await call(.confirmSelect, .confirmSelect, .confirmSelectOk)
    }

    // MARK: Consuming

    /// Limits how many deliveries may be unsettled; 0 means no limit. In RabbitMQ, `global: false` limits each consumer
    /// that starts from now on, and `global: true` limits all consumers of the channel together, effective immediately.
    /// RabbitMQ 4 and quorum queues support only `false`. Throws ``AMQPError``.
    package func qos(prefetchCount: UInt16, global: Bool = false) async throws(AMQPError) {
        try await call(.basicQos(prefetchCount: prefetchCount, global: global), .basicQos, .basicQosOk)
    }

    /// Starts a consumer.
    ///
    /// - Parameters:
    ///   - queue: The queue to consume.
    ///   - consumerTag: The consumer's name on this channel; if empty, the broker chooses one.
    ///   - noAck: Whether deliveries count as settled as soon as they are sent.
    ///   - exclusive: Whether the queue may have no other consumer.
    ///   - arguments: Further arguments, for example `x-priority`.
    ///   - onEvents: Called on the connection's event loop, so it must not block. It receives everything from one
    ///     socket read in one call, and nothing more after `cancelled` or `closed`.
    /// - Returns: The consumer's tag.
    /// - Throws: ``AMQPError``.
    @discardableResult
    package func consume(
        queue: String, consumerTag: String = "", noAck: Bool = false, exclusive: Bool = false,
        arguments: WireObject = [:], onEvents: @escaping @Sendable ([AMQPConsumerEvent]) -> Void
    ) async throws(AMQPError) -> String {
        let answer = try await connection.consume(
            self,
            .basicConsume(
                queue: queue, consumerTag: consumerTag, noAck: noAck, exclusive: exclusive, arguments: arguments),
            consumerTag: consumerTag, noAck: noAck, onEvents: onEvents)
        guard case .method(.basicConsumeOk(let tag)) = answer else { return consumerTag }
        return tag
    }

    /// Cancels a consumer and waits for the broker to confirm. By then the consumer has received all deliveries that
    /// were in flight, which it must still settle. It receives no further events.
    package func cancel(consumerTag: String) async throws(AMQPError) {
        _ = try await connection.call(
            self, .basicCancel(consumerTag: consumerTag), MethodID.basicCancel.name, .cancel(consumerTag: consumerTag))
    }

    /// Fetches one message; `nil` if the queue is empty.
    package func get(queue: String, noAck: Bool = false) async throws(AMQPError) -> AMQPDelivery? {
        let answer = try await connection.call(
            self, .basicGet(queue: queue, noAck: noAck), MethodID.basicGet.name, .get(noAck: noAck))
        guard case .message(let delivery) = answer else { return nil }
        return delivery
    }

    // MARK: Settling

    /// Acknowledges deliveries, so that the broker forgets them. Returns immediately; acknowledgements made close
    /// together are sent together. Tags that are already settled are ignored.
    package func ack(_ deliveryTags: [UInt64]) {
        enqueue(.ack(deliveryTags))
    }

    /// Refuses deliveries: the broker requeues, dead-letters or drops them. Returns immediately.
    package func nack(_ deliveryTags: [UInt64], requeue: Bool) {
        enqueue(.nack(deliveryTags, requeue: requeue))
    }

    /// Refuses one delivery with `basic.reject`. Returns immediately.
    package func reject(_ deliveryTag: UInt64, requeue: Bool) {
        enqueue(.reject(deliveryTag, requeue: requeue))
    }

    /// Waits until the broker has handled the settlements so far, which it does not confirm, and has sent what it had
    /// for the channel. From then on the settlements hold, even if this process is killed. Throws ``AMQPError``.
    package func synchronize() async throws(AMQPError) {
        try await connection.synchronize(self)
    }

    private func enqueue(_ settlement: ChannelSettlement) {
        guard mailbox.withLockedValue({ $0.add(settlement) }) else { return }
        let connection = self.connection
        connection.eventLoop.execute {
            connection.assumeIsolated { $0.drainSettlements(of: self) }
        }
    }

    /// Sends a method whose reply carries no information.
    func call(_ method: ClientMethod, _ id: MethodID, _ reply: MethodID) async throws(AMQPError) {
        _ = try await connection.call(self, method, id.name, .reply(reply))
    }
}

/// The part of a channel that any thread can reach: settlements on their way to the event loop, and whether the channel
/// has ended.
struct ChannelMailbox: Sendable {
    private var settlements: [ChannelSettlement] = []
    /// Why the channel is closed; `nil` while it is open.
    private(set) var closure: AMQPError?
    private var closeHandlers: [@Sendable (AMQPError) -> Void] = []

    /// Adds a settlement. If the channel is closed, the settlement is dropped, since the broker has requeued the
    /// delivery.
    ///
    /// - Returns: Whether to notify the event loop.
    mutating func add(_ settlement: ChannelSettlement) -> Bool {
        guard closure == nil else { return false }
        settlements.append(settlement)
        return settlements.count == 1
    }

    mutating func takeAll() -> [ChannelSettlement] {
        defer { settlements = [] }
        return settlements
    }

    /// Adds a close handler.
    ///
    /// - Returns: Why the channel is closed, in which case the handler is not kept.
    mutating func addCloseHandler(_ handler: @escaping @Sendable (AMQPError) -> Void) -> AMQPError? {
        if closure == nil { closeHandlers.append(handler) }
        return closure
    }

    /// Records the end of the channel, once.
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

/// A settlement of deliveries.
enum ChannelSettlement: Sendable {
    case ack([UInt64])
    case nack([UInt64], requeue: Bool)
    case reject(UInt64, requeue: Bool)
}

#endif
