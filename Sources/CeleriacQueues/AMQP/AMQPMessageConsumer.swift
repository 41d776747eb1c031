#if AMQP
package import CeleriacAMQP
package import CeleriacCore
import CeleriacWire
import DequeModule
package import Logging
package import NIOCore
import NIOConcurrencyHelpers

/// Consumes queues for a worker over its own connection, and reconnects when that connection is lost.
///
/// The broker returns the unsettled deliveries of a lost connection to their queues. The consumer forgets them, and
/// settling them does nothing.
package final class AMQPMessageConsumer: LosingConsumer {
    let configurations: [AMQPConfiguration]
    let parking: AMQPClient
    let topology: any AMQPConsumerTopology
    let options: ConsumerOptions
    let name: String
    let logger: Logger
    private let eventLoop: any EventLoop
    let timers: EventLoopTimerSource
    let state: NIOLockedValueBox<AMQPConsumerState>
    /// Opens when the end of consuming is confirmed, or no longer waited for.
    private let hasCancelled = Gate()
    /// How long a stop waits for the broker to confirm that it delivers no more.
    private static let patience = Duration.seconds(2)

    /// Connects and starts consuming.
    ///
    /// - Parameters:
    ///   - configurations: the servers, tried in turn.
    ///   - parking: the client that publishes parked messages.
    ///   - topology: the dialect's part.
    ///   - options: what the worker asks for.
    ///   - name: the broker's name, for logs and errors.
    ///   - eventLoop: the event loop of the connection.
    ///   - logger: the logger for lost connections.
    /// - Returns: the consumer, connected to one of the servers.
    /// - Throws: ``CeleriacError`` with code `unavailable` or `configuration`.
    package static func start(
        _ configurations: [AMQPConfiguration], parking: AMQPClient, topology: any AMQPConsumerTopology,
        options: ConsumerOptions, name: String, on eventLoop: any EventLoop, logger: Logger
    ) async throws -> AMQPMessageConsumer {
        let consumer = AMQPMessageConsumer(
            configurations, parking: parking, topology: topology, options: options, name: name, on: eventLoop,
            logger: logger)
        do {
            try await consumer.connect()
        } catch {
            throw CeleriacError(
                error.isOutOfReach && !error.isRefusal ? .unavailable : .configuration, "cannot consume from \(name)",
                cause: error)
        }
        return consumer
    }

    private init(
        _ configurations: [AMQPConfiguration], parking: AMQPClient, topology: any AMQPConsumerTopology,
        options: ConsumerOptions, name: String, on eventLoop: any EventLoop, logger: Logger
    ) {
        self.configurations = configurations
        self.parking = parking
        self.topology = topology
        self.options = options
        self.name = name
        self.logger = logger
        self.eventLoop = eventLoop
        self.timers = EventLoopTimerSource(eventLoop: eventLoop)
        var state = AMQPConsumerState(served: options.queues.map(\.name))
        state.turn = SuspectTurn(maximumAttempts: options.maximumAttempts)
        self.state = NIOLockedValueBox(state)
    }

    /// The channel that the consumer uses; nil while the connection is lost.
    var channel: AMQPChannel? { state.withLockedValue { $0.channel } }

    // MARK: Connecting

    /// Connects to the first server that answers, declares the queues and starts consuming.
    private func connect() async throws(AMQPError) {
        let wasRefused = state.withLockedValue { $0.refusesGlobalLimit }
        do {
            try await connectOnce()
        } catch {
            guard error.isRefusalOfGlobalLimit, !wasRefused else { throw error }
            // A queue is used as it is, whatever the settings say.
            limitEachConsumer(since: error.replyText)
            try await connectOnce()
        }
    }

    private func connectOnce() async throws(AMQPError) {
        await closeAbandoned()
        let connection = try await openConnection()
        do {
            let queues = state.withLockedValue { $0.served }
            try await topology.declare(queues, on: connection)
            let channel = try await connection.openChannel(confirms: false)
            let generation = state.withLockedValue { $0.begin(on: channel) }
            channel.onClose { [weak self] error in self?.lose(generation, error) }
            try await setLimit(channel)
            for queue in queues { try await consume(queue, on: channel, generation: generation) }
            try await consumeCompanions(of: queues, on: connection)
            state.withLockedValue { state in
                state.isSetUp = state.generation == generation && state.channel != nil
                state.reconnection.opened(at: timers.now)
                state.hasConsumed = true
            }
        } catch {
            state.withLockedValue { $0.drop() }
            await connection.close()
            throw error
        }
    }

    /// Closes the connection of a lost channel, so that the broker gives its deliveries to other consumers.
    private func closeAbandoned() async {
        let abandoned = state.withLockedValue { state in
            defer { state.abandoned = nil }
            return state.abandoned
        }
        await abandoned?.close()
    }

    private func openConnection() async throws(AMQPError) -> AMQPConnection {
        var failure: AMQPError?
        for configuration in configurations {
            do {
                return try await AMQPConnection.connect(configuration, on: eventLoop, logger: logger)
            } catch {
                failure = error
            }
        }
        throw failure ?? AMQPError(.connectFailed, "no server is configured")
    }

    /// Consumes a queue. What the broker refuses costs the channel, and all that is claimed on it.
    func consume(_ queue: String, on channel: AMQPChannel, generation: UInt64) async throws(AMQPError) {
        let tag = state.withLockedValue { state in
            let tag = topology.consumerTag(state.nextTag, nodeName: options.nodeName)
            state.nextTag += 1
            state.queues[tag] = queue
            state.activeTags[tag] = queue
            // A queue that was deleted may be another one now.
            state.standingBy.remove(queue)
            return tag
        }
        try await channel.consume(
            queue: queue, consumerTag: tag, arguments: topology.consumerArguments(of: queue)
        ) { [weak self] events in
            self?.receive(events, from: tag, generation: generation)
        }
        // A stop, or the removal of the queue, may have tried to cancel the consumer before it began.
        let isUnwanted = state.withLockedValue { state in
            if state.served.contains(queue) { return state.isStopped }
            state.activeTags[tag] = nil
            return true
        }
        if isUnwanted { try await channel.cancel(consumerTag: tag) }
    }

    /// Sends the broker the limit of unsettled deliveries, if it has changed.
    ///
    /// - Returns: whether the limit applies only to consumers that begin from now on.
    @discardableResult
    private func setLimit(_ channel: AMQPChannel) async throws(AMQPError) -> Bool {
        let server = await channel.connection.server
        let (limit, isGlobal, isLifted) = state.withLockedValue { state -> (Int?, Bool, Bool) in
            let isGlobal =
                !state.refusesGlobalLimit && topology.limitsChannel(queues: state.served, server: server)
            let limit = topology.limit(
                queues: state.served, prefetch: options.prefetch, holding: state.holding + state.stranded,
                isGlobal: isGlobal)
            let isOfSameKind = state.limitsChannel == isGlobal
            // A lower limit alone does not justify replacing the consumers.
            if let last = state.limit, isOfSameKind, isGlobal ? limit == last : limit <= last {
                return (nil, isGlobal, false)
            }
            (state.limit, state.limitsChannel) = (limit, isGlobal)
            return (limit, isGlobal, !isGlobal && !isOfSameKind)
        }
        guard let limit else { return false }
        // The limit of the channel would hold beside that of each consumer.
        if isLifted { try await channel.qos(prefetchCount: 0, global: true) }
        try await channel.qos(prefetchCount: UInt16(exactly: limit) ?? 0, global: isGlobal)
        return !isGlobal
    }

    /// Limits each consumer from now on, since the broker does not limit a whole channel that consumes such a queue. The first
    /// time it says so.
    func limitEachConsumer(since reason: String?) {
        let isFirst = state.withLockedValue { state in
            defer { state.refusesGlobalLimit = true }
            return !state.refusesGlobalLimit
        }
        guard isFirst else { return }
        logger.info(
            "the broker limits no whole channel at these queues: the worker consumes each with a prefetch of its own",
            metadata: ["broker": "\(name)", "reason": "\(reason ?? "the queue is a quorum queue or a stream")"])
    }

    /// Updates the limit, and replaces the consumers if the limit applies to each consumer. Deliveries to the old
    /// consumers do not count for the new ones: until they are settled, the broker may deliver more than the limit,
    /// never less.
    func changeLimit() async throws(AMQPError) {
        guard let channel, try await setLimit(channel) else { return }
        try await replaceConsumers()
    }

    /// Consumes each queue by a new consumer in place of the old one, on the same channel.
    func replaceConsumers() async throws(AMQPError) {
        let (channel, generation, old) = state.withLockedValue { ($0.channel, $0.generation, $0.activeTags) }
        guard let channel else { return }
        for (tag, queue) in old where state.withLockedValue({ $0.activeTags.removeValue(forKey: tag) != nil }) {
            do {
                try await consume(queue, on: channel, generation: generation)
            } catch {
                state.withLockedValue { if $0.generation == generation { $0.activeTags[tag] = queue } }
                throw error
            }
            try await channel.cancel(consumerTag: tag)
        }
    }

    func receive(_ events: [AMQPConsumerEvent], from tag: String, generation: UInt64) {
        let (gate, cancelled) = state.withLockedValue { state -> (Gate?, [String]) in
            // What an abandoned connection still delivers is not the worker's any more.
            guard state.generation == generation, state.channel != nil else { return (nil, []) }
            var cancelled: [String] = []
            for event in events {
                switch event {
                case .deliveries(let deliveries):
                    if state.redelivered.number(of: tag) != nil {
                        // To be delivered there is to begin, so these come before others.
                        state.buffer.insert(contentsOf: deliveries, at: 0)
                        continue
                    }
                    state.buffer.append(contentsOf: deliveries)
                case .cancelled:
                    if state.redelivered.cancel(tag) { continue }
                    state.activeTags[tag] = nil
                    guard let queue = state.queues[tag], state.served.contains(queue) else { continue }
                    logger.warning("the broker cancelled a consumer", metadata: ["queue": "\(queue)"])
                    cancelled.append(queue)
                case .closed: break  // The channel reports it even if it has no consumer.
                }
            }
            state.cancelled += cancelled
            defer { state.change = Gate() }
            return (state.change, cancelled)
        }
        gate?.open()
        // The worker may ask for no more messages for a long time, and begin some meanwhile that it no longer has.
        for queue in cancelled { Task { [weak self] in await self?.loseIfTakenBack(queue, generation) } }
    }

    /// Takes the connection for lost if a queue is still there whose consumer the broker has cancelled, unless the queue is
    /// about to be consumed again.
    private func loseIfTakenBack(_ queue: String, _ generation: UInt64) async {
        guard let channel, (try? await channel.connection.hasQueue(queue)) == true else { return }
        let isWaiting = state.withLockedValue { $0.generation == generation && $0.cancelled.contains(queue) }
        if isWaiting { lose(generation, .takenBack(from: queue)) }
    }

    func lose(_ generation: UInt64, _ error: AMQPError) {
        let (gate, action, isLoss, isTold) = state.withLockedValue {
            state -> (Gate?, (@Sendable () -> Void)?, Bool, Bool) in
            guard state.generation == generation, state.channel != nil else { return (nil, nil, false, false) }
            // Until it is set up the worker has nothing of it, and whoever connects goes on with another limit.
            let isLoss = state.isSetUp || !error.isRefusalOfGlobalLimit
            state.drop()
            if isLoss { state.wasLost = true }
            defer { state.change = Gate() }
            // Before that, whoever began to consume is told by an error. A connection that ends because of its limits is
            // opened again with others.
            let isTold = state.hasConsumed && !error.isRefusalOfGlobalLimit
            return (state.change, isLoss ? state.lossAction : nil, isLoss, isTold)
        }
        guard let gate else { return }
        if error.isRefusalOfGlobalLimit { limitEachConsumer(since: error.replyText) }
        if isLoss { logger.warning("lost the connection to the broker", metadata: ["error": "\(error)"]) }
        gate.open()
        action?()
        if isTold { options.news.isLost?(error) }
    }

    package func onLoss(_ action: (@Sendable () -> Void)?) { state.withLockedValue { $0.lossAction = action } }

    // MARK: Taking

    package func next(atMost limit: Int) async throws -> [Delivery] {
        // A server that is back has its consumers within five seconds.
        var backoff = Backoff(maximum: .seconds(5))
        state.withLockedValue { $0.looks.end() }
        while true {
            let (deliveries, superseded, worn, gate, channels, isStopped) = state.withLockedValue { state in
                state.looks.begin()
                let deliveries =
                    state.isStopped
                    ? []
                    : state.take(
                        limit, countsInMessages: options.attemptCounter == nil, name: topology.name,
                        attempts: topology.attempts)
                if deliveries.isEmpty { state.looks.end() } else { state.watchdog.rest() }
                defer { (state.superseded, state.worn) = ([], []) }
                return (
                    deliveries, state.superseded, state.worn, state.change, state.channels, state.isStopped
                )
            }
            if isStopped { return [] }
            if !superseded.isEmpty { channels?.ack(superseded) }
            if !deliveries.isEmpty {
                let kept = await worn.isEmpty ? deliveries : renew(worn, among: deliveries)
                if kept.isEmpty { continue }
                return await withAttempts(kept)
            }
            do {
                if channels != nil {
                    if try await !consumeCancelled() { await waitForChange(gate) }
                    continue
                }
                if let pause = state.withLockedValue({ $0.reconnection.pause(at: timers.now) }) {
                    await gate.wait(atMost: pause, timers: timers)
                    continue
                }
                try await connect()
                let isBack = state.withLockedValue { state in
                    defer { state.wasLost = false }
                    return state.wasLost
                }
                if isBack {
                    logger.info("the connection to the broker is back", metadata: ["broker": "\(name)"])
                    options.news.isBack?()
                }
            } catch {
                let pause = backoff.next()
                // The worker goes on all the same: whoever changed the broker may change it back.
                let isWaiting = error.isOutOfReach && !error.isRefusal
                logger.log(
                    level: isWaiting ? .warning : .error,
                    isWaiting
                        ? "cannot consume, trying again"
                        : "the broker refuses the worker: its configuration or rights are wrong, trying again",
                    metadata: ["broker": "\(name)", "error": "\(error)", "seconds": "\(pause.seconds)"])
                let change = state.withLockedValue { $0.changeAfterFailure }
                await change?.wait(atMost: pause, timers: timers)
            }
        }
    }

    /// Consumes again the queues and the companions whose consumers the broker has cancelled. It reuses the channel, so
    /// that other deliveries on it stay claimed.
    ///
    /// Where the queue is still there, the broker has taken back some of what the consumer had, and does not say which:
    /// RabbitMQ 4.3 does so where others close the channel, after the consumer timeout. The connection then counts as
    /// lost, so that redeliveries take over what the worker has.
    ///
    /// - Returns: whether there were any.
    private func consumeCancelled() async throws(AMQPError) -> Bool {
        let (channel, generation, queues, companions) = state.withLockedValue { state in
            defer { (state.cancelled, state.redelivered.cancelled) = ([], []) }
            return (state.channel, state.generation, state.cancelled, state.redelivered.cancelled)
        }
        guard let channel, !queues.isEmpty || !companions.isEmpty else { return false }
        do {
            for queue in queues {
                guard try await channel.connection.hasQueue(queue) else { continue }
                lose(generation, .takenBack(from: queue))
                return true
            }
            try await leaveTakenBack(companions, generation, on: channel.connection)
            if !queues.isEmpty { try await topology.declare(queues, on: channel.connection) }
            for queue in queues { try await consume(queue, on: channel, generation: generation) }
            try await consumeCompanions(of: queues + companions, on: channel.connection)
        } catch {
            state.withLockedValue { $0.drop() }
            throw error
        }
        return true
    }

    package func catchUp() async {
        let (channel, queues) = state.withLockedValue { ($0.isStopped ? nil : $0.channel, $0.served) }
        guard let channel else { return }
        // A queue that answers has handed over what it had. The channel sends that before its own answer.
        for queue in queues { _ = try? await parking.depth(of: queue, at: name) }
        try? await channel.synchronize()
        let (look, change) = state.withLockedValue { state in
            defer { state.change = Gate() }
            return (state.isStopped ? nil : state.looks.ask(), state.change)
        }
        change.open()
        try? await look?.waitUnlessCancelled()
    }

    package func hold(_ count: Int) async throws {
        state.withLockedValue { $0.holding = count }
        // If the channel is lost meanwhile, the next connection asks for the new count.
        try? await changeLimit()
    }

    // MARK: What is held

    package func isHeld(_ receipt: Receipt) -> Bool {
        state.withLockedValue { $0.generation == receipt.generation && $0.held[receipt.tag] != nil }
    }

    package var unsettledDescription: String? {
        let (count, isConnected) = state.withLockedValue { ($0.held.count + $0.buffer.count, $0.channel != nil) }
        if count == 0, isConnected { return "none" }
        let number = isConnected ? "\(count) unsettled" : "what was unsettled when the connection was lost"
        return "\(number); RabbitMQ gives it to other workers once it notices that the connection has ended"
    }

    // MARK: Ending

    package func stop() async {
        let (channel, tags, companions, gate, isFirst) = state.withLockedValue { state in
            let isFirst = !state.isStopped
            state.isStopped = true
            state.looks.close()
            // Those that wait for another to end see the stop and go back.
            state.turn.wake()
            return (
                state.channel, Array(state.activeTags.keys), state.redelivered.active, state.change, isFirst
            )
        }
        gate.open()
        guard isFirst else { return await hasCancelled.wait() }
        defer { hasCancelled.open() }
        let confirmed = Gate()
        // The broker could deliver a returned message to a consumer that is still active. Once it has confirmed the
        // cancellation, everything delivered before is in the buffer. A broker that does not answer reads the cancellation
        // first when it goes on, and then what was returned.
        Task {
            await withTaskGroup(of: Void.self) { group in
                for tag in tags { group.addTask { _ = try? await channel?.cancel(consumerTag: tag) } }
                for source in companions {
                    group.addTask { _ = try? await source.channel.cancel(consumerTag: source.consumerTag) }
                }
            }
            confirmed.open()
        }
        if await confirmed.wait(atMost: Self.patience, timers: timers) { return }
        // The closing of its other connections need not find that out again.
        parking.doubt()
        options.news.isSilent?()
        let isHolding = state.withLockedValue { !$0.held.isEmpty || !$0.buffer.isEmpty }
        logger.log(
            level: isHolding ? .warning : .info,
            "the broker does not confirm that the worker consumes no longer: it is left without an answer",
            metadata: ["broker": "\(name)", "messages": "\(unsettledDescription ?? "none")"])
    }

    package func close() async throws {
        await stop()
        // What a companion has delivered meanwhile has not begun, whatever the broker would say of it.
        try? await giveBack([])
        let channel = state.withLockedValue { state in
            defer { state.channel = nil }
            return state.channel
        }
        // The broker returns unsettled messages to their places in the queues. Once it is silent neither waits for it.
        await channel?.close()
        await channel?.connection.close()
        await closeAbandoned()
    }
}

extension AMQPError {
    /// What a consumer's cancellation by the broker says if its queue is still there.
    fileprivate static func takenBack(from queue: String) -> AMQPError {
        AMQPError(
            .consumerCancelled,
            "The broker has taken back messages of the queue \(queue): they were held for longer than its"
                + " consumer_timeout, or the queue has moved to another node.")
    }
}
#endif
