#if AMQP

package import CeleriacWire
internal import CeleriacCore
internal import NIOConcurrencyHelpers
internal import NIOCore

/// A channel with its consumers, which the session sets up again after every loss: with the connection, through a
/// channel error, or because the broker cancelled a consumer.
package final class AMQPConsumerSession: Sendable {
    /// An event for the session's owner.
    package enum Event: Sendable {
        /// The channel is set up, and its consumers are being started. The generation counts from 1.
        case up(generation: Int, channel: AMQPChannel)
        /// Messages, and the channel that delivered them and settles them. Called on the connection's event loop.
        case deliveries([AMQPDelivery], channel: AMQPChannel)
        /// The channel ended or could not be set up; its unsettled deliveries return to their queues. Unless the
        /// session is ending, it tries again.
        case down(AMQPError)
    }

    private struct State {
        var isStopping = false
        var channel: AMQPChannel?
        var consumerTags: [String] = []
    }

    private let client: AMQPClient
    private let setup: @Sendable (AMQPChannel) async throws(AMQPError) -> [AMQPConsumption]
    private let onEvent: @Sendable (Event) -> Void
    private let state = NIOLockedValueBox(State())

    /// Creates a session. ``run()`` starts it.
    ///
    /// - Parameters:
    ///   - client: The client whose connection to use. Several sessions may share one.
    ///   - setup: Prepares a new channel (declarations, bindings, limits) and returns what to consume on it. An error
    ///     from it ends the attempt; it is called again, on a new channel, after a pause.
    ///   - onEvent: Receives the events in order. It must not block.
    package init(
        client: AMQPClient,
        setup: @escaping @Sendable (AMQPChannel) async throws(AMQPError) -> [AMQPConsumption],
        onEvent: @escaping @Sendable (Event) -> Void
    ) {
        self.client = client
        self.setup = setup
        self.onEvent = onEvent
    }

    /// Keeps the session up until the task is cancelled, or until the channel ends after ``stopConsuming()``.
    ///
    /// When it returns, the channel is closed: earlier settlements are sent, and unsettled deliveries return to their
    /// queues.
    package func run() async {
        var generation = 0
        var backoff = Backoff(maximum: .seconds(5))
        // What another connection has for itself it may have for as long as it lives, and the broker logs each attempt.
        var patience = Backoff(maximum: .seconds(60))
        while !isEnding {
            let start = NIODeadline.now()
            let error = await serve(&generation)
            onEvent(.down(error))
            if isEnding { break }
            if error.isOfAnother {
                await pause(patience.next())
                continue
            }
            patience.reset()
            if .now() - start >= TimeAmount(backoff.maximum) {
                backoff.reset()
            } else {
                await pause(backoff.next())
            }
        }
    }

    /// Cancels the consumers and starts no new ones. When it returns, no further delivery can arrive. Earlier
    /// deliveries can still be settled until ``run()`` is cancelled.
    package func stopConsuming() async {
        let (channel, tags) = state.withLockedValue { state in
            state.isStopping = true
            defer { state.consumerTags = [] }
            return (state.channel, state.consumerTags)
        }
        for tag in tags { try? await channel?.cancel(consumerTag: tag) }
    }

    private var isEnding: Bool { Task.isCancelled || state.withLockedValue { $0.isStopping } }

    /// Sets up one channel and waits for its end.
    private func serve(_ generation: inout Int) async -> AMQPError {
        do throws(AMQPError) {
            let channel = try await client.connection().openChannel(confirms: false)
            let ended = channel.connection.eventLoop.makePromise(of: AMQPError.self)
            channel.onClose { ended.succeed($0) }
            do throws(AMQPError) {
                let consumptions = try await setup(channel)
                generation += 1
                state.withLockedValue { $0.channel = channel }
                onEvent(.up(generation: generation, channel: channel))
                for consumption in consumptions { try await consume(consumption, channel, ended) }
            } catch {
                ended.succeed(error)
            }
            let error = await withTaskCancellationHandler {
                (try? await ended.futureResult.get()) ?? .cancelled
            } onCancel: {
                ended.succeed(.cancelled)
            }
            state.withLockedValue { state in
                state.channel = nil
                state.consumerTags = []
            }
            await channel.close()
            return error
        } catch {
            return error
        }
    }

    private func consume(
        _ consumption: AMQPConsumption, _ channel: AMQPChannel, _ ended: EventLoopPromise<AMQPError>
    ) async throws(AMQPError) {
        if isEnding { return }
        let onEvent = self.onEvent
        let tag = try await channel.consume(
            queue: consumption.queue, consumerTag: consumption.consumerTag, noAck: consumption.noAck,
            exclusive: consumption.exclusive, arguments: consumption.arguments
        ) { events in
            for event in events {
                switch event {
                case .deliveries(let deliveries): onEvent(.deliveries(deliveries, channel: channel))
                case .cancelled:
                    ended.succeed(
                        AMQPError(
                            .consumerCancelled,
                            "The broker cancelled the consumer of \(consumption.queue); was the queue deleted?"))
                case .closed: break
                }
            }
        }
        let isStopping = state.withLockedValue { state in
            if !state.isStopping { state.consumerTags.append(tag) }
            return state.isStopping
        }
        if isStopping { try await channel.cancel(consumerTag: tag) }
    }

    private func pause(_ duration: Duration) async {
        let promise = client.eventLoop.makePromise(of: Void.self)
        let timer = client.eventLoop.scheduleTask(in: TimeAmount(duration)) { promise.succeed() }
        await withTaskCancellationHandler {
            try? await promise.futureResult.get()
        } onCancel: {
            timer.cancel()
            promise.succeed()
        }
    }
}

/// A consumer that an ``AMQPConsumerSession`` starts whenever it comes up.
package struct AMQPConsumption: Sendable, Hashable {
    /// The queue to consume.
    package var queue: String
    /// The consumer's name on its channel; if empty, the broker chooses one.
    package var consumerTag: String
    /// Whether deliveries count as settled as soon as they are sent.
    package var noAck: Bool
    /// Whether the queue may have no other consumer.
    package var exclusive: Bool
    /// Further arguments, for example `x-priority`.
    package var arguments: WireObject

    /// Creates the description of a consumer.
    package init(
        queue: String, consumerTag: String = "", noAck: Bool = false, exclusive: Bool = false,
        arguments: WireObject = [:]
    ) {
        self.queue = queue
        self.consumerTag = consumerTag
        self.noAck = noAck
        self.exclusive = exclusive
        self.arguments = arguments
    }
}

#endif
