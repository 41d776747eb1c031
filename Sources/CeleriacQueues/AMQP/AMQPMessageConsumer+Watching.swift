#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacWire
import Logging
import NIOConcurrencyHelpers

/// How the consumer notices that the broker has forgotten it.
extension AMQPMessageConsumer {
    /// Waits until something changes, and looks now and then whether messages wait that should have arrived.
    func waitForChange(_ gate: Gate) async {
        let interval = state.withLockedValue { $0.watchdog.interval }
        if await gate.wait(atMost: interval, timers: timers) { return }
        let isFirst = state.withLockedValue { state in
            defer { state.watchdog.isLooking = true }
            return !state.watchdog.isLooking
        }
        // What arrives does not wait for an answer that is long in coming.
        if isFirst { _ = try? await gate.unlessOpen { await self.look() } }
    }

    /// Asks how many messages wait. If the broker should have sent some long ago, the consumer connects again; or, while
    /// the worker holds messages, which others would run a second time, it only consumes again.
    private func look() async {
        defer { state.withLockedValue { $0.watchdog.isLooking = false } }
        let (channel, generation, queues) = state.withLockedValue { ($0.channel, $0.generation, $0.expecting) }
        guard let channel else { return }
        var depths: [String: Int] = [:]
        for queue in queues where topology.arguments(of: queue)[SingleActiveProbe.argument] != true {
            depths[queue] = await depth(of: queue, on: channel.connection)
        }
        let now = timers.now
        // The queue may be another than the settings say. It is asked only then, since the server logs the question.
        while let alarm = state.withLockedValue({ $0.watchdog.foresees(depths, now: now) }),
            await standsBy(at: alarm.queue, generation, on: channel.connection)
        {
            depths[alarm.queue] = nil
        }
        let (alarm, isHolding, gate) = state.withLockedValue { state -> (Watchdog.Alarm?, Bool, Gate?) in
            // Something may have arrived meanwhile.
            guard state.generation == generation, state.channel != nil, state.buffer.isEmpty, !state.isStopped,
                let alarm = state.watchdog.look(depths, now: now)
            else { return (nil, false, nil) }
            if !state.held.isEmpty || state.settling > 0 { return (alarm, true, nil) }
            state.drop()
            defer { state.change = Gate() }
            return (alarm, false, state.change)
        }
        guard let alarm else { return }
        logger.warning(
            "messages wait, but none arrives: the worker \(isHolding ? "consumes" : "connects") again",
            metadata: [
                "queue": "\(alarm.queue)", "messages": "\(alarm.depth)", "seconds": "\(Int(alarm.seconds))",
            ])
        options.news.hasStalled?(alarm.queue)
        gate?.open()
        // Without a connection the next one consumes anew.
        if isHolding { try? await replaceConsumers() }
    }

    /// Whether messages of a queue may wait because another consumer is the only one that gets any. From then on the queue
    /// is not watched.
    private func standsBy(at queue: String, _ generation: UInt64, on connection: AMQPConnection) async -> Bool {
        guard
            await connection.hasSingleActiveConsumer(queue, arguments: topology.arguments(of: queue)) == true
        else { return false }
        state.withLockedValue { state in
            if state.generation == generation { state.standingBy.insert(queue) }
        }
        logger.info(
            "a queue has a single active consumer: this worker stands by until the broker chooses it",
            metadata: ["queue": "\(queue)"])
        return true
    }

    /// How many messages wait in a queue; nil if that cannot be asked. What goes wrong with the queue or the connection
    /// is told by others.
    private func depth(of queue: String, on connection: AMQPConnection) async -> Int? {
        try? await connection.withChannel { channel throws(AMQPError) in
            Int(try await channel.queueDeclare(queue, passive: true).messageCount)
        }
    }
}

extension AMQPConsumerState {
    /// The queues from which something should arrive if they have messages; none while the limit of unsettled
    /// deliveries is reached.
    fileprivate var expecting: [String] {
        if let limit, limit > 0, held.count + settling + stranded >= limit { return [] }
        return activeTags.values.filter { served.contains($0) && !standingBy.contains($0) }
    }
}
#endif
