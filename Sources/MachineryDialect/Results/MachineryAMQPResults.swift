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

    /// How far the joining of a member came whose outcome the worker has not heard.
    private enum Progress {
        /// Its state may lie in the queue of the group.
        case sent
        /// Its state lies in the queue of the group.
        case published
        /// These states of all members were taken out of the queue.
        case taken([[UInt8]])
    }

    private let options: MachineryAMQPOptions
    private let expiry: Int64
    /// After how long a queue is declared again before it is used. RabbitMQ counts its lifetime from there, and not from
    /// what is published to it.
    private let renewal: TimeAmount
    private let client: AMQPClient
    private let timers: EventLoopTimerSource
    private let memory = NIOLockedValueBox(Memory())
    private let unsettled = UnsettledMembers<Progress>()
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
    private func message(_ state: [UInt8], to queue: String, mandatory: Bool) -> AMQPPublish {
        AMQPPublish(
            exchange: options.exchangeOfNamedQueues, routingKey: queue, mandatory: mandatory,
            message: WireMessage(
                properties: MessageProperties(contentType: "application/json", deliveryMode: 2), body: state),
            omitsEmptyHeaders: true)
    }

    /// Declares a queue, unless this process has done so a moment ago. Whoever finds that the queue has gone since calls
    /// ``undeclare(_:)``.
    private func declare(_ id: String) async throws(AMQPError) {
        let now = NIODeadline.now()
        let (declared, needsDurable) = memory.withLockedValue { ($0.declared[id], $0.needsDurableQueues) }
        if let declared, now - declared < renewal { return }
        do throws(AMQPError) {
            try await declare(id, durable: needsDurable)
        } catch {
            guard error.code == .deprecatedFeature else { throw error }
            // Machinery's own programs cannot work at such a broker: nobody has declared the queue as they do.
            memory.withLockedValue { $0.needsDurableQueues = true }
            try await declare(id, durable: true)
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

    // MARK: Groups

    /// Publishes the ends of members to the queue of their group. A caller that finds as many messages there as the
    /// group has members gets the states of all, in the order in which they ended. The messages in this queue are all
    /// that exists of a group.
    ///
    /// The end of a member that joins again, because the outcome was lost, is not published again if it is there, and
    /// the states that were taken for it are not lost.
    package func perform(_ operations: [ChordOperation]) async throws -> [ChordCompletion?] {
        try await reach("join groups") {
            let ended = operations.compactMap { operation -> ChordPart? in
                guard case .add(let part) = operation else { return nil }
                return part
            }
            var unpublished: [ChordPart] = []
            for part in ended where try await self.isUnpublished(part) { unpublished.append(part) }
            try await self.publish(unpublished)
            var taken: Set<String> = []
            var completions: [ChordCompletion?] = []
            for operation in operations {
                guard let part = operation.chordPart, !taken.contains(part.groupID),
                    let states = try await self.takeAll(part)
                else {
                    completions.append(nil)
                    continue
                }
                taken.insert(part.groupID)
                completions.append(
                    ChordCompletion(
                        claim: ChordClaim(groupID: part.groupID, token: ""), parts: states, group: nil))
            }
            self.unsettled.forget(ended)
            return completions
        }
    }

    /// Publishes the ends of members to the queues of their groups. What RabbitMQ can put into none is not published
    /// again: the queue of a group goes when the group is complete, and with it goes what the others had put there.
    private func publish(_ parts: [ChordPart]) async throws {
        if parts.isEmpty { return }
        for id in Set(parts.map(\.groupID)).sorted() { try await declare(id) }
        for part in parts { unsettled[part] = .sent }
        let outcomes = try await client.publish(
            parts.map { message($0.payload, to: $0.groupID, mandatory: false) })
        for (part, outcome) in zip(parts, outcomes) { unsettled[part] = outcome.error == nil ? .published : nil }
        for outcome in outcomes { if let error = outcome.error { throw error } }
    }

    /// Whether the end of a member must be published. The queue counts every message, so it looks there first if a
    /// publication was not confirmed, or if a worker may have published before it died.
    private func isUnpublished(_ part: ChordPart) async throws -> Bool {
        switch unsettled[part] {
        // Where the queue is gone, a worker has found the group complete.
        case .sent?: return try await hasEnd(of: part) { $0 == part.payload } == false
        // Where there is no queue, this may be the first member to end.
        case nil where part.mayBeAdded:
            return try await hasEnd(of: part) { (try? MachineryTaskState.decode($0))?.taskUUID == part.taskID } != true
        case let progress: return progress == nil
        }
    }

    /// Whether a matching end is in the queue of a member's group; nil if there is no queue.
    private func hasEnd(of part: ChordPart, matching: ([UInt8]) -> Bool) async throws -> Bool? {
        do {
            var isThere = false
            try await withChannel { channel in
                try await channel.queueDeclare(part.groupID, passive: true)
                var tags: [UInt64] = []
                while !isThere, let delivery = try await channel.get(queue: part.groupID) {
                    tags.append(delivery.deliveryTag)
                    isThere = matching(delivery.message.body)
                }
                channel.nack(tags, requeue: true)
            }
            return isThere
        } catch let error as AMQPError where error.replyCode == 404 {
            return nil
        }
    }

    /// Takes the ends of all members if they are all there. If two workers try at once, one may find that the other has
    /// some of them. It then puts back what it has and tries again, unless the other has removed the queue.
    ///
    /// It throws when its task is cancelled, as all calls of the transport then do. A worker calls it from a task that
    /// nobody cancels, even when the worker's own caller is.
    private func takeAll(_ part: ChordPart) async throws -> [[UInt8]]? {
        if case .taken(let states)? = unsettled[part] {
            try? await withChannel { channel in try await channel.queueDelete(part.groupID) }
            return states
        }
        let size = part.size ?? .max
        for attempt in 0..<10 {
            if attempt > 0 { try await timers.sleep(for: .milliseconds(Int.random(in: 5...50))) }
            do {
                var isContested = false
                var states: [[UInt8]] = []
                try await withChannel { channel in
                    let queue = try await channel.queueDeclare(part.groupID, passive: true)
                    guard queue.messageCount >= size else { return }
                    var tags: [UInt64] = []
                    while states.count < size, let delivery = try await channel.get(queue: part.groupID) {
                        states.append(delivery.message.body)
                        tags.append(delivery.deliveryTag)
                    }
                    if states.count < size {
                        channel.nack(tags, requeue: true)
                        isContested = true
                    } else {
                        unsettled[part] = .taken(states)
                        channel.ack(tags)
                        try await channel.queueDelete(part.groupID)
                    }
                }
                if !isContested { return states.count == size ? states : nil }
            } catch let error as AMQPError where error.replyCode == 404 {
                return nil
            }
        }
        return nil
    }

    // MARK: Reaching the server

    private func withChannel(_ body: (AMQPChannel) async throws -> Void) async throws {
        let channel = try await client.connection().openChannel(confirms: false)
        do {
            try await body(channel)
        } catch {
            await channel.close()
            throw error
        }
        await channel.close()
    }

    private func reach<Result>(_ what: String, _ body: () async throws -> Result) async throws -> Result {
        do {
            return try await body()
        } catch let error as AMQPError {
            // The queues may be gone after a restart of the server.
            if error.isOutOfReach { memory.withLockedValue { $0.declared = [:] } }
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .resultStore, "cannot \(what) at \(name)", cause: error)
        }
    }

    /// Closes the connection.
    package func close() async {
        await client.close()
    }
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
