#if AMQP
import CeleriacAMQP
import CeleriacCore
import Logging
import NIOConcurrencyHelpers

/// What is known of the levels of ``NativeDelay`` at the broker.
struct KnownDelays {
    /// Whether the levels have been declared.
    var areDeclared = false
    /// The queues that tasks can come back to.
    var queues: Set<String> = []
    /// Whether the broker has refused them. Clients do not ask again; a worker does when it connects.
    var areRefused = false
}

/// How the levels are declared in which RabbitMQ keeps tasks for quorum queues until their times.
extension CeleryAMQPTopology {
    /// Makes sure that tasks with a time come to the queues of a worker, from whichever client. As in Celery, that needs
    /// a quorum queue among all queues of the application. What the broker refuses is no reason not to work.
    func prepareDelays(of names: [String], on connection: AMQPConnection) async throws(AMQPError) {
        let served = names.map { definition(of: $0) }.filter { !NativeDelay.bindings(of: $0).isEmpty }
        guard queues.hasQuorumQueue, !served.isEmpty else { return }
        forgetDelays()
        do throws(AMQPError) {
            try await declareDelays(for: served, on: connection)
            delays.withLockedValue { $0.areRefused = false }
        } catch {
            guard error.isRefusalOfDelays else { throw error }
            refuseDelays(error)
        }
    }

    /// Declares the levels and binds the queues, which exist, where that has not been done.
    func declareDelays(for queues: [TaskQueue], on connection: AMQPConnection) async throws(AMQPError) {
        let known = delays.withLockedValue { $0 }
        if !known.areDeclared { try await declareLevels(on: connection) }
        let new = queues.filter { !known.queues.contains($0.name) }
        if !new.isEmpty { try await perform(new.flatMap { NativeDelay.bindings(of: $0) }, on: connection) }
        delays.withLockedValue { delays in
            delays.areDeclared = true
            delays.queues.formUnion(new.map(\.name))
        }
    }

    /// Levels that exist are used as they are: Python's workers may have made them of queues of the other type.
    private func declareLevels(on connection: AMQPConnection) async throws(AMQPError) {
        let levels = NativeDelay.levels(options.delayQueueType)
        do throws(AMQPError) {
            try await perform(levels, on: connection)
        } catch {
            guard error.code == .channelClosedByServer, error.replyCode == 406 else { throw error }
            var missing: [NativeDelay.Declaration] = []
            for declaration in levels {
                if case .queue(let name, _) = declaration, try await connection.hasQueue(name) { continue }
                missing.append(declaration)
            }
            try await perform(missing, on: connection)
        }
    }

    private func perform(
        _ declarations: [NativeDelay.Declaration], on connection: AMQPConnection
    ) async throws(AMQPError) {
        try await connection.withChannel { channel throws(AMQPError) in
            for declaration in declarations {
                switch declaration {
                case .exchange(let name):
                    try await channel.exchangeDeclare(name, type: "topic")
                case .queue(let name, let arguments):
                    try await channel.queueDeclare(name, arguments: arguments)
                case .queueBinding(let name, let exchange, let routingKey):
                    try await channel.queueBind(name, exchange: exchange, routingKey: routingKey)
                case .exchangeBinding(let name, let source, let routingKey):
                    try await channel.exchangeBind(destination: name, source: source, routingKey: routingKey)
                }
            }
        }
    }

    /// Has everything declared again, in case somebody has deleted it.
    func forgetDelays() {
        delays.withLockedValue { delays in
            delays.areDeclared = false
            delays.queues = []
        }
    }

    func refuseDelays(_ error: AMQPError) {
        let isFirst = delays.withLockedValue { delays in
            defer { delays.areRefused = true }
            return !delays.areRefused
        }
        guard isFirst else { return }
        logger.warning(
            "the broker may not keep tasks until their times: they are sent at once, and workers hold them",
            metadata: [
                "needed": "exchanges and queues named \(NativeDelay.entry) and so on, and \(NativeDelay.delivery)",
                "error": "\(error)",
            ])
    }
}

extension AMQPError {
    /// Whether the broker refused the levels: the right is missing (403), what exists is of another kind (406), or an
    /// exchange or a queue is gone that they lead to (404).
    var isRefusalOfDelays: Bool {
        code == .channelClosedByServer && replyCode.map { [403, 404, 405, 406].contains($0) } == true
    }
}
#endif
