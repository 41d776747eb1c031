#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacWire
import DequeModule
import Logging
import NIOCore
import NIOConcurrencyHelpers

/// Consumes queues at RabbitMQ over a connection of its own, which it makes anew when it is lost.
///
/// Unsettled deliveries of a lost connection go back to their queues by themselves: they are forgotten here, and settling
/// them does nothing.
final class CeleryAMQPConsumer: MessageConsumer {
    fileprivate struct State {
        var generation: UInt64 = 0
        var channel: AMQPChannel?
        var buffer = Deque<AMQPDelivery>()
        var held: [UInt64: AMQPDelivery] = [:]
        /// The queues that are to be consumed.
        var served: [String] = []
        /// Queues by the tags of their consumers, also of those that were cancelled: deliveries of theirs may be held.
        var queues: [String: String] = [:]
        var nextTag = 0
        var change = Gate()
        var isStopped = false
        var holding = 0
    }

    private let broker: CeleryAMQPBroker
    private let options: ConsumerOptions
    private let logger: Logger
    private let eventLoop: any EventLoop
    private let timers: EventLoopTimerSource
    private let state: NIOLockedValueBox<State>

    init(broker: CeleryAMQPBroker, options: ConsumerOptions) {
        self.broker = broker
        self.options = options
        self.state = NIOLockedValueBox(State(served: options.queues))
        self.logger = broker.logger
        self.eventLoop = broker.eventLoopGroup.next()
        self.timers = EventLoopTimerSource(eventLoop: eventLoop)
    }

    func start() async throws {
        do {
            try await connect()
        } catch {
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .configuration, "cannot consume from \(broker.name)", cause: error)
        }
    }

    // MARK: Connecting

    /// Connects to the first server that answers, declares the queues and begins to consume.
    private func connect() async throws(AMQPError) {
        let connection = try await openConnection()
        do {
            let queues = state.withLockedValue { $0.served }
            for queue in queues { try await broker.topology.declare(queue, on: connection) }
            let channel = try await connection.openChannel(confirms: false)
            let generation = state.withLockedValue { state in
                state.generation += 1
                state.channel = channel
                state.buffer = []
                state.held = [:]
                state.queues = [:]
                return state.generation
            }
            try await setPrefetch(channel, holding: state.withLockedValue { $0.holding })
            for queue in queues { try await consume(queue, on: channel, generation: generation) }
        } catch {
            await connection.close()
            throw error
        }
    }

    private func consume(_ queue: String, on channel: AMQPChannel, generation: UInt64) async throws(AMQPError) {
        let tag = state.withLockedValue { state in
            let tag = "celeriac\(state.nextTag)"
            state.nextTag += 1
            state.queues[tag] = queue
            return tag
        }
        try await channel.consume(queue: queue, consumerTag: tag) { [weak self] events in
            self?.receive(events, generation: generation)
        }
    }

    // MARK: Changing queues

    func addQueue(_ queue: String) async throws {
        let (channel, generation) = state.withLockedValue { state in
            if !state.served.contains(queue) { state.served.append(queue) }
            return (state.channel, state.generation)
        }
        // Without a channel the next connection takes it up.
        guard let channel else { return }
        do {
            try await broker.topology.declare(queue, on: channel.connection)
            try await consume(queue, on: channel, generation: generation)
        } catch {
            if error.isOutOfReach { return }
            state.withLockedValue { state in state.served.removeAll { $0 == queue } }
            throw CeleriacError(.configuration, "cannot consume a queue at \(broker.name)", cause: error)
        }
    }

    func removeQueue(_ queue: String) async throws {
        let (channel, tags) = state.withLockedValue { state in
            state.served.removeAll { $0 == queue }
            return (state.channel, state.queues.filter { $0.value == queue }.keys)
        }
        // On a connection that is lost meanwhile nothing consumes it any more.
        for tag in tags { try? await channel?.cancel(consumerTag: tag) }
    }

    private func openConnection() async throws(AMQPError) -> AMQPConnection {
        var failure: AMQPError?
        for configuration in broker.configurations {
            do {
                return try await AMQPConnection.connect(configuration, on: eventLoop, logger: logger)
            } catch {
                failure = error
            }
        }
        throw failure ?? AMQPError(.connectFailed, "no server is configured")
    }

    private func setPrefetch(_ channel: AMQPChannel, holding: Int) async throws(AMQPError) {
        let server = await channel.connection.server
        let served = state.withLockedValue { $0.served }
        let version = server.versionNumbers
        // RabbitMQ limits whole channels from 3.3 up to before 4, and then at once; quorum queues never.
        let isGlobal =
            server.product == "RabbitMQ" && !broker.topology.options.hasQuorumQueue(served)
            && version.lexicographicallyPrecedes([4]) && !version.lexicographicallyPrecedes([3, 3])
        let share = isGlobal ? max(1, options.prefetch + holding) : max(1, options.prefetch / max(1, served.count))
        try await channel.qos(prefetchCount: UInt16(exactly: share) ?? 0, global: isGlobal)
    }

    private func receive(_ events: [AMQPConsumerEvent], generation: UInt64) {
        let gate = state.withLockedValue { state -> Gate? in
            guard state.generation == generation else { return nil }
            for event in events {
                switch event {
                case .deliveries(let deliveries):
                    state.buffer.append(contentsOf: deliveries)
                case .cancelled:
                    logger.warning("the broker cancelled a consumer: its queue is gone")
                    state.drop()
                case .closed(let error):
                    logger.warning("the connection is lost", metadata: ["error": "\(error)"])
                    state.drop()
                }
            }
            defer { state.change = Gate() }
            return state.change
        }
        gate?.open()
    }

    // MARK: Taking

    func next(atMost limit: Int) async throws -> [Delivery] {
        var backoff = Backoff()
        while true {
            let (deliveries, gate, isConnected, isStopped) = state.withLockedValue { state in
                (state.isStopped ? [] : state.take(limit), state.change, state.channel != nil, state.isStopped)
            }
            if isStopped { return [] }
            if !deliveries.isEmpty { return deliveries }
            if isConnected {
                await gate.wait()
                continue
            }
            do {
                try await connect()
            } catch {
                let pause = backoff.next()
                logger.warning(
                    "cannot consume, trying again",
                    metadata: ["broker": "\(broker.name)", "error": "\(error)", "seconds": "\(pause.seconds)"])
                let timer = timers.schedule(after: pause) { gate.open() }
                await gate.wait()
                timer.cancel()
                state.withLockedValue { if $0.change === gate { $0.change = Gate() } }
            }
        }
    }

    func hold(_ count: Int) async throws {
        let channel = state.withLockedValue { state in
            state.holding = count
            return state.channel
        }
        // On a channel that is lost meanwhile the next connection asks for the new count.
        if let channel { try? await setPrefetch(channel, holding: count) }
    }

    // MARK: Settling

    func settle(_ settlements: [Settlement]) async throws {
        var acknowledged: [UInt64] = []
        var rejected: [UInt64] = []
        var requeued: [UInt64] = []
        var parked: [(tag: UInt64, queue: String, message: WireMessage)] = []
        let time = timers.now
        let channel = state.withLockedValue { state -> AMQPChannel? in
            for settlement in settlements where settlement.receipt.generation == state.generation {
                let tag = settlement.receipt.tag
                guard let delivery = state.held.removeValue(forKey: tag) else { continue }
                switch settlement.disposition {
                case .acknowledge: acknowledged.append(tag)
                case .reject: rejected.append(tag)
                case .requeue: requeued.append(tag)
                case .park(let fault):
                    let queue = state.queues[delivery.consumerTag] ?? delivery.routingKey
                    let message = delivery.parked(
                        for: fault, queue: queue, worker: options.nodeName, time: time)
                    parked.append((tag, queue, message))
                }
            }
            return state.channel
        }
        guard let channel else { return }
        if !acknowledged.isEmpty { channel.ack(acknowledged) }
        if !rejected.isEmpty { channel.nack(rejected, requeue: false) }
        if !requeued.isEmpty { channel.nack(requeued, requeue: true) }
        guard !parked.isEmpty else { return }
        do {
            try await broker.park(parked.map { ($0.queue, $0.message) })
            channel.ack(parked.map(\.tag))
        } catch {
            channel.nack(parked.map(\.tag), requeue: true)
            throw error
        }
    }

    // MARK: Ending

    func stop() async {
        let (channel, tags, gate) = state.withLockedValue { state in
            state.isStopped = true
            return (state.channel, Array(state.queues.keys), state.change)
        }
        gate.open()
        for tag in tags { try? await channel?.cancel(consumerTag: tag) }
    }

    func close() async throws {
        await stop()
        let channel = state.withLockedValue { state in
            defer { state.channel = nil }
            return state.channel
        }
        // What is unsettled goes back to its place in the queue.
        await channel?.close()
        await channel?.connection.close()
    }
}

extension CeleryAMQPConsumer.State {
    /// The connection is lost, and with it every delivery.
    fileprivate mutating func drop() {
        channel = nil
        buffer = []
        held = [:]
    }

    fileprivate mutating func take(_ limit: Int) -> [Delivery] {
        let count = min(limit, buffer.count)
        guard count > 0 else { return [] }
        var deliveries: [Delivery] = []
        deliveries.reserveCapacity(count)
        for delivery in buffer.prefix(count) {
            held[delivery.deliveryTag] = delivery
            let content: Result<WireMessage, MessageFault> =
                delivery.defect.map {
                    .failure(MessageFault(reason: "undecodableProperties", detail: $0.reason))
                } ?? .success(delivery.message)
            deliveries.append(
                Delivery(
                    content: content, queue: queues[delivery.consumerTag] ?? delivery.routingKey,
                    exchange: delivery.exchange, routingKey: delivery.routingKey, redelivered: delivery.redelivered,
                    attempts: delivery.message.headers["x-delivery-count"]?.intValue ?? 0,
                    receipt: Receipt(generation: generation, tag: delivery.deliveryTag)))
        }
        buffer.removeFirst(count)
        return deliveries
    }
}
#endif
