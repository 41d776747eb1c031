#if Redis
package import CeleriacCore
import CeleriacWire
package import CeleriacRedis
package import Logging
import NIOConcurrencyHelpers
package import NIOCore
import Synchronization

import struct FoundationEssentials.Date

/// Claims messages from lists in Redis for a worker, renews the claims while the worker holds them, and gives back what
/// it does not settle.
///
/// On an empty queue, it waits until Redis tells that there is a message (``ListWait``). It keeps its claims when the
/// connection is lost, and finds the claims of a script whose reply was lost by their tags. A script that arrives even
/// later than that claims nothing: before the consumer looks, it raises its epoch in Redis, and scripts check theirs.
package final class RedisMessageConsumer: YieldingConsumer, ClaimingConsumer {
    typealias Ledger = ClaimLedger<RedisClaim, RedisClaimAttempt>
    struct State: Sendable {
        var served = ServedLists()
        /// All lists that were ever served, by key, since the worker may hold claims from any of them.
        var known: [String: RedisQueueList] = [:]
        var ledger = Ledger()
        /// The claims whose messages stand in Redis alone. The ledger does not know them.
        var kept = KeptClaims()
        /// Whether claims are being renewed.
        var isRenewing = false
        /// How many messages to claim at most.
        var bound = ClaimBound()
        /// Claims with a lower number were given up on.
        var epoch = 0
        var waiting: Gate?
        var looks = Looks()
        /// When the consumer leaves to its neighbours what it has given back.
        var courtesy = Courtesy()
        /// Whose turn it is among the messages of which a counted beginning has not ended.
        var turn = SuspectTurn()
        /// The serials of claims that a stop has given back, or tried to, while they waited for their turn.
        var unbegun: Set<UInt64> = []
        /// The serials of the latest settlements whose claims may have been restored by another worker before.
        var tooLate: Set<UInt64> = []
        var isStopped = false
        var timers: [RepeatedTask] = []
        /// Why no messages can be taken; nil while they can.
        var takingError: RedisError?
        /// What could not be done the last time, of the work that is done regularly.
        var failing: Set<String> = []

        /// How many claims are held.
        var claimCount: Int { ledger.count + kept.count }

        /// The list that the message of a claim came from; nil for a claim that is not held.
        func list(of serial: UInt64) -> RedisQueueList? { ledger[serial]?.list ?? kept[serial]?.list }
    }

    /// The client for everything but waiting.
    package let client: RedisClient
    /// The worker's node name.
    package let nodeName: String
    /// The event loop's timers.
    package let timers: EventLoopTimerSource
    package let logger: Logger
    let topology: any RedisConsumerTopology
    let state = NIOLockedValueBox(State())
    /// Whether there are claims that a stop has given back while they waited for their turn.
    let hasUnbegun = Atomic(false)
    /// The prefix that makes this consumer's tags unique.
    private let tagPrefix: String
    private let wait: ListWait
    private let listener: RedisListener
    private let news: ConsumerNews

    /// Connects and starts renewing claims.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` or `configuration`.
    package static func start(
        _ configuration: RedisConfiguration, topology: any RedisConsumerTopology, options: ConsumerOptions,
        eventLoopGroup: any EventLoopGroup, logger: Logger
    ) async throws -> RedisMessageConsumer {
        let consumer = RedisMessageConsumer(
            configuration, topology: topology, options: options, eventLoopGroup: eventLoopGroup, logger: logger)
        do {
            try await consumer.client.reach(within: configuration.commandTimeout)
            for queue in options.queues { try await consumer.announce(queue.name) }
        } catch {
            throw CeleriacError(
                error.isOutOfReach && !error.isRefusedLogin ? .unavailable : .configuration,
                "cannot use \(consumer.name)", cause: error)
        }
        consumer.startChores()
        return consumer
    }

    private init(
        _ configuration: RedisConfiguration, topology: any RedisConsumerTopology, options: ConsumerOptions,
        eventLoopGroup: any EventLoopGroup, logger: Logger
    ) {
        self.topology = topology
        self.nodeName = options.nodeName
        self.tagPrefix = (options.claimPrefix ?? randomUUID()) + "."
        self.news = options.news
        self.logger = logger
        self.client = RedisClient(configuration, eventLoopGroup: eventLoopGroup, logger: logger)
        self.timers = EventLoopTimerSource(eventLoop: client.eventLoop)
        self.wait = ListWait(
            configuration, takingFrom: topology.servedEnd, patience: topology.patience, eventLoop: client.eventLoop,
            logger: logger, isLost: options.news.isLost)
        state.withLockedValue { $0.turn = SuspectTurn(maximumAttempts: options.maximumAttempts) }
        self.listener = RedisListener(client, eventLoopGroup: eventLoopGroup, logger: logger)
        for queue in options.queues { serve(queue.name) }
    }

    /// The server's address, without credentials.
    var name: String { client.configuration.description }

    /// The name of a claim in Redis.
    func tag(of serial: UInt64) -> String { tagPrefix + String(serial) }

    /// The lists that the consumer serves.
    package var lists: [RedisQueueList] { state.withLockedValue { $0.served.all } }

    /// All lists that the consumer serves or has served.
    package var knownLists: [RedisQueueList] { state.withLockedValue { Array($0.known.values) } }

    // MARK: Taking

    package func next(atMost limit: Int) async throws -> [Delivery] {
        let limit = min(limit, ClaimBound.longest)
        // A server that is back has its consumers within five seconds.
        var backoff = Backoff(maximum: .seconds(5))
        var (isFailing, wasAway) = (false, false)
        state.withLockedValue { $0.looks.end() }
        while !state.withLockedValue({ $0.isStopped }) {
            do {
                try await topology.prepare(self)
                if let rest = state.withLockedValue({ $0.courtesy.rest(at: timers.now) }) { await pause(rest) }
                state.withLockedValue { $0.looks.begin() }
                let deliveries = try await claim(atMost: limit)
                if isFailing {
                    isFailing = false
                    state.withLockedValue { $0.takingError = nil }
                }
                if wasAway {
                    wasAway = false
                    news.isBack?()
                }
                if !deliveries.isEmpty { return deliveries }
                state.withLockedValue { $0.looks.end() }
                try await waitForMessage()
                backoff.reset()
            } catch {
                if state.withLockedValue({ $0.isStopped }) { break }
                guard error.code != .closed else {
                    throw CeleriacError(.unavailable, "cannot consume from \(name)", cause: error)
                }
                isFailing = true
                state.withLockedValue { $0.takingError = error }
                let pause = backoff.next()
                if error.isOutOfReach { news.isLost?(error) }
                wasAway = wasAway || error.isOutOfReach
                logger.warning(
                    "cannot take messages, trying again",
                    metadata: ["broker": "\(name)", "error": "\(error)", "seconds": "\(pause.seconds)"])
                await self.pause(pause)
            }
        }
        return []
    }

    private func waitForMessage() async throws(RedisError) {
        let gate = Gate()
        let (isOver, lists) = state.withLockedValue { state in
            state.waiting = gate
            return (state.isStopped || state.looks.isAsked, state.served.all)
        }
        if isOver { return }
        // Without a queue, only a change is worth waiting for.
        if lists.isEmpty { return await gate.wait() }
        try await wait.wait(for: lists.map(\.key), stop: gate)
    }

    /// Pauses, but no longer than until a stop.
    private func pause(_ duration: Duration) async {
        let gate = Gate()
        let timer = timers.schedule(after: duration) { gate.open() }
        let isStopped = state.withLockedValue { state in
            state.waiting = gate
            return state.isStopped
        }
        if !isStopped { await gate.wait() }
        timer.cancel()
    }

    private func claim(atMost limit: Int) async throws(RedisError) -> [Delivery] {
        let recovered = try await recoverDoubtfulClaims()
        if !recovered.isEmpty { return recovered }
        let lists = state.withLockedValue { $0.served.takeTurn() }
        if lists.isEmpty { return [] }
        if topology.claimsFromAllListsAtOnce { return try await claim(limit, from: lists) }
        var deliveries: [Delivery] = []
        for list in lists where deliveries.count < limit {
            do {
                deliveries += try await claim(limit - deliveries.count, from: [list])
            } catch {
                // Messages that were claimed from earlier lists are held, and must be delivered.
                if deliveries.isEmpty { throw error }
                break
            }
        }
        return deliveries
    }

    private func claim(_ limit: Int, from lists: [RedisQueueList]) async throws(RedisError) -> [Delivery] {
        let time = timers.now.timeIntervalSince1970
        let attempt = state.withLockedValue { state in
            let limit = min(limit, state.bound.count)
            return state.ledger.begin(limit) { serials in
                RedisClaimAttempt(
                    lists: lists, firstSerial: serials.lowerBound, limit: limit, tagPrefix: tagPrefix,
                    epoch: state.epoch, time: time, maximumBytes: client.configuration.portionBytes)
            }
        }
        let reply = try await client.send(topology.claim(attempt.source))
        return await deliver(topology.claims(in: reply, of: attempt.source), of: attempt)
    }

    /// Looks for claims that the server may have made although its reply never arrived. They fit into one reply, as they
    /// would have into that.
    private func recoverDoubtfulClaims(waitsForServer: Bool = true) async throws(RedisError) -> [Delivery] {
        guard let attempt = state.withLockedValue({ $0.ledger.oldestDoubt }) else { return [] }
        let epoch = attempt.source.epoch + 1
        state.withLockedValue { $0.epoch = max($0.epoch, epoch) }
        var command = RedisCommand("HMGET", attempt.source.lists.first.map { topology.claimsKey(of: $0) } ?? "")
        for serial in attempt.serials { command.append(tag(of: serial)) }
        // The answer is final, since the claim is refused if it arrives after the first command.
        let replies = try await client.send(
            [RedisCommand("SET", topology.epochKey(of: attempt.source), epoch, "EX", 86400), command],
            timeout: client.configuration.commandTimeout, waitsForServer: waitsForServer)
        if let refusal = replies.lazy.compactMap(\.error).first { throw RedisError(refusal) }
        let values = replies.last?.array ?? []
        let claims = values.enumerated().compactMap { index, value in
            value.bytes.flatMap { topology.claim(index, stored: $0, of: attempt.source) }
        }
        if !claims.isEmpty {
            logger.notice("recovered claims from a lost connection", metadata: ["messages": "\(claims.count)"])
        }
        return await deliver(claims, of: attempt)
    }

    private func deliver(_ claims: [RedisClaim], of attempt: Ledger.Attempt) async -> [Delivery] {
        let size = claims.reduce(0) { $0 + $1.payload.count }
        state.withLockedValue { state in
            state.ledger.conclude(attempt, with: claims.lazy.map { ($0.serial, $0) })
            state.bound.note(claims.count, bytes: size, of: attempt.source.maximumBytes)
        }
        return await deliveries(of: claims)
    }

    /// The deliveries of claims that the ledger has.
    func deliveries(of claims: [RedisClaim]) async -> [Delivery] {
        var deliveries: [Delivery] = []
        deliveries.reserveCapacity(claims.count)
        var counters: [(place: Int, key: String)] = []
        for claim in claims {
            let (delivery, counter) = topology.delivery(of: claim)
            if let counter { counters.append((deliveries.count, counter)) }
            deliveries.append(delivery)
        }
        if !counters.isEmpty { await readCounts(counters, for: &deliveries) }
        let returned = deliveries.filter { $0.redelivered || $0.attempts > 0 }
        if !returned.isEmpty {
            state.withLockedValue { state in
                for delivery in returned
                where state.turn.isSuspect(attempts: delivery.attempts, hasComeBack: delivery.redelivered) {
                    state.ledger[delivery.receipt.tag]?.isSuspect = true
                }
            }
        }
        return deliveries
    }

    /// Reads how often messages that came back were begun. A claim is exclusive, so the count stays true until the
    /// worker begins the message. Without an answer they are delivered as if they had never begun.
    private func readCounts(_ counters: [(place: Int, key: String)], for deliveries: inout [Delivery]) async {
        state.withLockedValue { state in
            for counter in counters { state.ledger[deliveries[counter.place].receipt.tag]?.counter = counter.key }
        }
        guard let replies = try? await client.send(counters.map { RedisCommand("GET", $0.key) }) else { return }
        for (counter, reply) in zip(counters, replies) {
            deliveries[counter.place].attempts = reply.string.flatMap { Int($0) } ?? 0
        }
    }

    package func catchUp() async {
        guard let look = state.withLockedValue({ $0.isStopped ? nil : $0.looks.ask() }) else { return }
        lookAgain()
        try? await look.waitUnlessCancelled()
    }

    // MARK: Changing queues

    package func addQueue(_ queue: TaskQueue) async throws {
        if let refusal = topology.refusal(of: queue.name) { throw refusal }
        do {
            // It is announced before it is served, so that producers that look for the queue find it.
            try await announce(queue.name)
        } catch {
            throw CeleriacError(.unavailable, "cannot serve the queue at \(name)", cause: error)
        }
        serve(queue.name)
        lookAgain()
    }

    package func removeQueue(_ name: String) async throws {
        state.withLockedValue { $0.served.remove(name) }
        lookAgain()
        await listener.leave(name)
    }

    /// Tells producers that a queue exists, and begins to listen where Redis keeps nothing for those who do not.
    private func announce(_ queue: String) async throws(RedisError) {
        let announcement = topology.announcement(of: queue)
        if !announcement.isEmpty { _ = try await client.send(announcement) }
        if let broadcast = topology.broadcast(to: queue, database: client.configuration.database) {
            try await listener.listen(queue, broadcast)
        }
    }

    private func serve(_ queue: String) {
        let lists = topology.lists(of: queue)
        state.withLockedValue { state in
            state.served.add(queue, lists: lists)
            for list in lists where state.known[list.key] == nil { state.known[list.key] = list }
        }
    }

    /// Makes ``next(atMost:)`` look again if it is waiting.
    private func lookAgain() {
        state.withLockedValue { $0.waiting }?.open()
    }

    // MARK: Ending

    package func stop() async {
        state.withLockedValue { state in
            state.isStopped = true
            state.turn.wake()
            state.looks.close()
        }
        lookAgain()
    }

    package func close() async throws {
        await stop()
        let timers = state.withLockedValue { state in
            defer { state.timers = [] }
            return state.timers
        }
        for timer in timers { timer.cancel() }
        await listener.stop()
        await wait.closeAll()
        do {
            try await endAll()
            await listener.retire()
        } catch {
            let count = state.withLockedValue { $0.claimCount }
            await client.close()
            throw CeleriacError(
                .unavailable,
                "\(count.counting("claimed message was", "claimed messages were")) not given back; a worker restores what "
                    + "is claimed when the claims expire",
                cause: error)
        }
        await client.close()
    }

    /// Settles what has ended, and gives back what is held.
    private func endAll() async throws(RedisError) {
        var refusal: RedisError?
        do {
            try await settleAgain()
        } catch {
            // One refused ending must not hold up the others.
            guard error.code == .server else { throw error }
            refusal = error
        }
        do throws(RedisError) {
            // A worker that holds nothing has no reason to wait for a server that is away.
            let isHolding = state.withLockedValue { $0.claimCount > 0 }
            while state.withLockedValue({ $0.ledger.oldestDoubt != nil }) {
                _ = try await recoverDoubtfulClaims(waitsForServer: isHolding)
            }
        } catch {
            logger.info(
                "could not ask whether the last look took messages: if it did, a worker restores them when the claims expire",
                metadata: ["error": "\(error)"])
        }
        try await giveBack(serials: state.withLockedValue { ($0.ledger.unended + $0.kept.serials).sorted() })
        if let refusal { throw refusal }
    }
}
#endif
