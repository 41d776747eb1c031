#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacWire
import Logging
import NIOConcurrencyHelpers

/// How the consumer notices that the broker has forgotten it.
extension AMQPMessageConsumer {
    /// Waits until something changes, and meanwhile looks now and then whether messages wait that should arrive.
    func waitForChange(_ gate: Gate) async throws(AMQPError) {
        let interval = state.withLockedValue { $0.watchdog.interval }
        if await gate.wait(atMost: interval, timers: timers) { return }
        let (channel, queues) = state.withLockedValue { ($0.channel, $0.expecting) }
        guard let channel else { return }
        var depths: [String: Int] = [:]
        for queue in queues where topology.arguments(of: queue)["x-single-active-consumer"] != true {
            depths[queue] = await depth(of: queue, on: channel.connection)
        }
        let now = timers.now
        let alarm = state.withLockedValue { state in
            // Something may have arrived meanwhile.
            state.buffer.isEmpty && !state.isStopped ? state.watchdog.look(depths, now: now) : nil
        }
        if let alarm { try await beginAnew(alarm) }
    }

    /// How many messages wait in a queue; nil if that cannot be asked. What goes wrong with the queue or the connection
    /// is told by others.
    private func depth(of queue: String, on connection: AMQPConnection) async -> Int? {
        try? await connection.withChannel { channel throws(AMQPError) in
            Int(try await channel.queueDeclare(queue, passive: true).messageCount)
        }
    }

    /// Connects again; or, while the worker holds messages, which others would run a second time, only consumes again.
    private func beginAnew(_ alarm: Watchdog.Alarm) async throws(AMQPError) {
        let isHolding = state.withLockedValue { !$0.held.isEmpty }
        logger.warning(
            "messages wait, but none arrives: the worker \(isHolding ? "consumes" : "connects") again",
            metadata: [
                "queue": "\(alarm.queue)", "messages": "\(alarm.depth)", "seconds": "\(Int(alarm.seconds))",
            ])
        if isHolding { try await replaceConsumers() } else { state.withLockedValue { $0.drop() } }
    }
}

extension AMQPConsumerState {
    /// The queues from which something should arrive if they have messages; none while the limit of unsettled
    /// deliveries is reached.
    fileprivate var expecting: [String] {
        if let limit, limit > 0, held.count + stranded >= limit { return [] }
        return activeTags.values.filter { served.contains($0) }
    }
}
#endif
