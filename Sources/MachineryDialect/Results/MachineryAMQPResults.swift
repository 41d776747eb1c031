#if AMQP
package import CeleriacAMQP
package import CeleriacCore
import CeleriacWire
package import Logging
import MachineryWire
package import NIOCore
import NIOConcurrencyHelpers

/// Task states at RabbitMQ as Machinery's AMQP backend keeps them: a queue for each task and a message for each state.
/// Reading a state removes it, so the store remembers the last state that it read of each task.
package final class MachineryAMQPResults: ResultStore {
    private struct Memory {
        /// The last state that was read of a task.
        var states: [String: [UInt8]] = [:]
        var order: [String] = []
        /// Queues that this process has declared, and when it did so last.
        var declared: [String: NIODeadline] = [:]
        /// Whether the broker permits only durable queues.
        var needsDurableQueues = false

        /// The number of tasks to remember.
        static let limit = 10_000

        mutating func remember(_ id: String, _ payload: [UInt8]) {
            if states.updateValue(payload, forKey: id) == nil {
                order.append(id)
                if order.count > Self.limit { states[order.removeFirst()] = nil }
            }
        }
    }

    private let options: MachineryAMQPOptions
    private let expiry: Int64
    /// After how long a queue is declared again before it is used. RabbitMQ counts its lifetime from there, and not from
    /// what is published to it.
    private let renewal: TimeAmount
    let client: AMQPClient
    let timers: EventLoopTimerSource
    private let memory = NIOLockedValueBox(Memory())
    let unsettled = UnsettledMembers<Progress>()
    let taken = TakenEnds()
    /// The servers, without credentials.
    package let name: String
    /// How often the store fetches results that a client waits for.
    package let pollInterval: Duration?

    /// Creates a store, which connects on first use and tries the servers in turn.
    ///
    /// Queues keep states for `expiry`. It is an argument of the queues, so that all readers and writers must agree on
    /// it. The store fetches results that a client waits for every `pollInterval`.
    package init(
        _ configurations: [AMQPConfiguration],
        options: MachineryAMQPOptions = MachineryAMQPOptions(),
        expiry: Duration = .seconds(3600),
        pollInterval: Duration = .milliseconds(5),
        eventLoopGroup: any EventLoopGroup,
        logger: Logger
    ) {
        self.options = options
        let lifetime = Int64(expiry.lifetimeInSeconds) * 1000
        self.expiry = lifetime
        self.renewal = .milliseconds(lifetime / 60)
        self.client = AMQPClient(configurations: configurations, eventLoopGroup: eventLoopGroup, logger: logger)
        self.timers = EventLoopTimerSource(eventLoop: client.eventLoop)
        self.pollInterval = pollInterval
        self.name = configurations.map(\.description).joined(separator: ";")
    }

    /// Empty, because no result arrives on a queue of the sender's.
    package var replyTo: String { "" }
    /// False, because the store remembers what it has read.
    package var deliversOnce: Bool { false }
    /// True, because a state is a message in its task's queue.
    package var fetchingRemoves: Bool { true }
    /// True, because the queue of a group counts its members.
    package var countsChords: Bool { true }

    // MARK: States

    /// Publishes states to the queues of their tasks. RabbitMQ returns a state whose queue is gone although this process
    /// has declared it, because it has expired or somebody has deleted it: the queue is then declared again.
    package func store(_ records: [ResultRecord]) async throws {
        try await reach("store states") {
            let states = records.map { message($0.payload, to: $0.taskID, mandatory: true) }
            let failures = await client.publish(states) { indices, anew throws(AMQPError) in
                let ids = Set(indices.map { records[$0].taskID }).sorted()
                if anew { undeclare(ids) }
                for id in ids { try await declare(id) }
            }
            if let error = failures.unknown.values.first ?? failures.refused.values.first { throw error }
        }
    }

    /// A state as it is published to a queue.
    func message(_ state: [UInt8], to queue: String, mandatory: Bool) -> AMQPPublish {
        AMQPPublish(
            exchange: options.exchangeOfNamedQueues, routingKey: queue, mandatory: mandatory,
            message: WireMessage(
                properties: MessageProperties(contentType: "application/json", deliveryMode: 2), body: state),
            omitsEmptyHeaders: true)
    }

    /// Declares a queue, unless this process has done so a moment ago. Whoever finds that the queue has gone since calls
    /// ``undeclare(_:)``.
    func declare(_ id: String) async throws(AMQPError) {
        let now = NIODeadline.now()
        let (declared, needsDurable) = memory.withLockedValue { ($0.declared[id], $0.needsDurableQueues) }
        if let declared, now - declared < renewal { return }
        do throws(AMQPError) {
            try await declareAnyHow(id, durable: needsDurable)
        } catch {
            guard error.code == .deprecatedFeature else { throw error }
            // Machinery's own programs cannot work at such a broker: nobody has declared the queue as they do.
            memory.withLockedValue { $0.needsDurableQueues = true }
            try await declareAnyHow(id, durable: true)
        }
        memory.withLockedValue { memory in
            if memory.declared.count >= Memory.limit { memory.declared = [:] }
            memory.declared[id] = now
        }
    }

    /// Has queues declared again before their next use.
    private func undeclare(_ ids: [String]) {
        memory.withLockedValue { memory in
            for id in ids { memory.declared[id] = nil }
        }
    }

    /// Declares a queue as it is to be; or as it is, if another process has declared it when the broker permitted other queues
    /// than it does now, or than this process knows of.
    private func declareAnyHow(_ id: String, durable: Bool) async throws(AMQPError) {
        do throws(AMQPError) {
            try await declare(id, durable: durable)
        } catch {
            guard error.isOfOtherDurability else { throw error }
            try await declare(id, durable: !durable)
        }
    }

    private func declare(_ id: String, durable: Bool) async throws(AMQPError) {
        try await client.connection().withChannel { channel throws(AMQPError) in
            try await channel.declareExchange(options)
            try await channel.declare(
                MachineryAMQPOptions.stateQueue(id, expiry: expiry, durable: durable),
                exchange: options.exchangeOfNamedQueues)
        }
    }

    /// Does nothing, because RabbitMQ does not announce states; see ``pollInterval``.
    package func watch(_ taskIDs: [String], sink: any ResultSink) async throws {}

    /// Does nothing.
    package func unwatch(_ taskIDs: [String]) {}

    /// Returns the newest state of each of these tasks. It reads, and thereby removes, all states that wait in their
    /// queues.
    package func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] {
        try await reach("read states") {
            let unfinished = taskIDs.filter { id in !self.isFinal(self.memory.withLockedValue { $0.states[id] }) }
            for id in unfinished { try await self.declare(id) }
            var rest = unfinished[...]
            while !rest.isEmpty {
                do {
                    try await self.withChannel { channel in
                        while let id = rest.first {
                            try await self.read(id, channel)
                            rest = rest.dropFirst()
                        }
                    }
                } catch let error as AMQPError where error.replyCode == 404 {
                    // The queue is gone, with what was in it. RabbitMQ has closed the channel, so the others need another.
                    guard let id = rest.popFirst() else { throw error }
                    self.undeclare([id])
                    try await self.declare(id)
                }
            }
            return self.memory.withLockedValue { memory in taskIDs.map { memory.states[$0] } }
        }
    }

    /// Takes the states of a task out of its queue, until there are no more or one is final.
    private func read(_ id: String, _ channel: AMQPChannel) async throws {
        while let delivery = try await channel.get(queue: id) {
            channel.ack([delivery.deliveryTag])
            memory.withLockedValue { $0.remember(id, delivery.message.body) }
            if isFinal(delivery.message.body) { return }
        }
    }

    private func isFinal(_ payload: [UInt8]?) -> Bool {
        guard let payload, let state = try? MachineryTaskState.decode(payload) else { return false }
        return state.isCompleted
    }

    /// Deletes the queues of these tasks.
    package func forget(_ taskIDs: [String]) async throws {
        try await reach("delete states") {
            try await self.withChannel { channel in
                for id in taskIDs { try await channel.queueDelete(id) }
            }
            self.memory.withLockedValue { memory in
                for id in taskIDs {
                    memory.states[id] = nil
                    memory.declared[id] = nil
                }
                memory.order.removeAll { taskIDs.contains($0) }
            }
        }
    }

    // MARK: Reaching the server

    func withChannel(_ body: (AMQPChannel) async throws -> Void) async throws {
        let channel = try await client.connection().openChannel(confirms: false)
        do {
            try await body(channel)
        } catch {
            await channel.close()
            throw error
        }
        await channel.close()
    }

    func reach<Result>(_ what: String, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as AMQPError {
            // The queues may be gone after a restart of the server.
            if error.isOutOfReach { memory.withLockedValue { $0.declared = [:] } }
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .resultStore, "cannot \(what) at \(name)", cause: error)
        }
    }

    /// Closes the connection. RabbitMQ puts back the ends of members whose group's callback was not sent.
    package func close() async {
        taken.forgetAll()
        await client.close()
    }
}

extension MachineryAMQPResults: DoubtedServer {
    /// Has the close wait for nothing.
    package func doubt() { client.doubt() }
}

extension MachineryAMQPResults: RefusingStore {
    /// Connects, if that has not happened.
    package func checkUse() async throws {
        let isOver = Gate()
        let timer = timers.schedule(after: .seconds(5)) { isOver.open() }
        defer { timer.cancel() }
        do {
            _ = try await isOver.unlessOpen { [client] in _ = try await client.connection() }
        } catch let error as AMQPError {
            guard error.isRefusalOfAll, !error.isOutOfReach || error.isRefusedLogin else { return }
            throw CeleriacError(.configuration, "cannot use the result store \(name)", cause: error)
        }
    }
}

extension MachineryAMQPResults: HealthChecked {
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
