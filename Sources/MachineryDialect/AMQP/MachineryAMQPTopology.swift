#if AMQP
import CeleriacAMQP
import CeleriacCore
import CeleriacQueues
import CeleriacWire
import MachineryWire
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// Declares the queues that a Machinery worker consumes, and says how it consumes them. Each consumer has its own,
/// because it counts requeued messages.
final class MachineryAMQPTopology: AMQPConsumerTopology {
    private let options: MachineryAMQPOptions
    private let counts = NIOLockedValueBox(RequeueCounts())

    init(options: MachineryAMQPOptions) { self.options = options }

    func declare(_ queues: [String], on connection: AMQPConnection) async throws(AMQPError) {
        try await connection.declare(queues.map(options.workQueue), options)
    }

    func limitsChannel(queues: [String], server: AMQPServerInfo) -> Bool { false }

    func limit(queues: [String], prefetch: Int, holding: Int, isGlobal: Bool) -> Int {
        // What waits to be given back must not keep the worker from what it can run.
        let step = 16
        return options.prefetchCount == 0 ? 0 : options.prefetchCount + (max(0, holding) + step - 1) / step * step
    }

    func consumerTag(_ number: Int, nodeName: String) -> String { number == 0 ? nodeName : "\(nodeName).\(number)" }

    func name(of message: WireMessage) -> String? {
        guard let signature = try? MachinerySignature.decode(message.body), !signature.uuid.isEmpty else { return nil }
        return "\(signature.uuid).\(signature.retryCount)"
    }

    func attempts(of delivery: AMQPDelivery) -> Int {
        delivery.redelivered ? counts.withLockedValue { $0.count(of: delivery.message.body) } : 0
    }

    func willSettle(_ delivery: AMQPDelivery, as disposition: Settlement.Disposition) {
        if case .requeue = disposition {
            counts.withLockedValue { $0.add(delivery.message.body) }
        } else if delivery.redelivered {
            counts.withLockedValue { $0.remove(delivery.message.body) }
        }
    }

    func arguments(of queue: String) -> WireObject { options.queueDeclareArguments }

    var longestHold: Duration? { options.maximumETAHold }

    func text(of time: Date) -> String { GoTime(time).description }
}

/// Counts how often this process put messages back. A classic queue says only that a message was delivered before.
///
/// What it remembers is bounded: it forgets the half of the messages that were put back least recently.
struct RequeueCounts: Sendable {
    private var recent: [[UInt8]: Int] = [:]
    private var older: [[UInt8]: Int] = [:]
    private let limit: Int

    /// Makes an empty memory.
    ///
    /// - Parameter limit: how many messages each half has at most.
    init(limit: Int = 5000) { self.limit = limit }

    /// Counts a message once more.
    mutating func add(_ body: [UInt8]) {
        let count = count(of: body)
        older[body] = nil
        if recent[body] == nil, recent.count >= limit { (older, recent) = (recent, [:]) }
        recent[body] = count + 1
    }

    /// How often a message was put back.
    func count(of body: [UInt8]) -> Int { recent[body] ?? older[body] ?? 0 }

    /// Forgets a message that was settled.
    mutating func remove(_ body: [UInt8]) {
        recent[body] = nil
        older[body] = nil
    }
}

extension AMQPChannel {
    /// Declares the exchange, as Machinery does before anything else.
    func declareExchange(_ options: MachineryAMQPOptions) async throws(AMQPError) {
        guard !options.exchange.isEmpty else { return }
        try await exchangeDeclare(options.exchange, type: options.exchangeType, durable: true)
    }

    /// Declares a queue and binds it.
    ///
    /// - Returns: The broker's answer about the queue.
    @discardableResult
    func declare(
        _ declaration: QueueDeclaration, exchange: String, passive: Bool = false
    ) async throws(AMQPError) -> AMQPQueue {
        let queue = try await queueDeclare(
            declaration.queue, passive: passive, durable: declaration.durable, autoDelete: declaration.autoDelete,
            arguments: declaration.arguments)
        if !exchange.isEmpty {
            try await queueBind(
                declaration.queue, exchange: exchange, routingKey: declaration.bindingKey,
                arguments: declaration.bindingArguments)
        }
        return queue
    }
}

extension AMQPConnection {
    /// Declares work queues and their exchange. A queue that exists with other arguments, for instance a quorum queue, is
    /// used as it is, where Go would end.
    nonisolated func declare(
        _ queues: [QueueDeclaration], _ options: MachineryAMQPOptions
    ) async throws(AMQPError) {
        for queue in queues {
            do throws(AMQPError) {
                try await declare(queue, options, passive: false)
            } catch {
                guard error.replyCode == 406, error.replyText?.contains("for queue") == true else { throw error }
                try await declare(queue, options, passive: true)
            }
        }
    }

    private nonisolated func declare(
        _ queue: QueueDeclaration, _ options: MachineryAMQPOptions, passive: Bool
    ) async throws(AMQPError) {
        try await withChannel { channel throws(AMQPError) in
            try await channel.declareExchange(options)
            try await channel.declare(queue, exchange: options.exchange, passive: passive)
        }
    }
}
#endif
