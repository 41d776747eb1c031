#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacWire
import CeleryWire
import Logging
import NIOCore
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// Claims messages from kombu's lists, renews the claims while it holds them, and restores those that expired.
///
/// A claim is interchangeable with one of a Python worker: an entry of `unacked` with its time in `unacked_index`, which
/// whoever runs a restore pass may put back once it is older than the visibility timeout.
final class CeleryRedisConsumer: MessageConsumer {
    struct Held: Sendable {
        let list: Int
        let payload: [UInt8]
        /// The envelope's own tag, under which attempts are counted; nil where it was not counted.
        var countedAttempt: String?
    }
    struct State: Sendable {
        var lists: QueueLists
        /// Places of lists that are served no more, and whose handover lists are to be emptied.
        var abandoned: [Int] = []
        var held: [UInt64: Held] = [:]
        /// How held messages ended whose settlement did not reach the server: they are never given back.
        var unsettled: [UInt64: Settlement.Disposition] = [:]
        var nextSerial: UInt64 = 1
        /// Serials of claims whose answer did not arrive: they may stand.
        var doubtful: [Range<UInt64>] = []
        var firstQueue = 0
        var waiting: Gate?
        var isStopped = false
        var nextRestore = Date.distantPast
    }

    let broker: CeleryRedisBroker
    let keys: KombuKeys
    let client: RedisClient
    let logger: Logger
    let nodeName: String
    let timers: EventLoopTimerSource
    let state: NIOLockedValueBox<State>
    /// Makes this consumer's tags unlike anybody else's.
    private let tagPrefix = "\(CeleryID.random())."
    private let wait: HandoverWait
    private let renewal = NIOLockedValueBox<RepeatedTask?>(nil)

    init(broker: CeleryRedisBroker, options: ConsumerOptions) {
        self.broker = broker
        self.keys = broker.keys
        self.state = NIOLockedValueBox(State(lists: QueueLists(queues: options.queues, keys: broker.keys)))
        self.nodeName = options.nodeName
        self.logger = broker.logger
        self.client = RedisClient(broker.configuration, eventLoopGroup: broker.eventLoopGroup, logger: broker.logger)
        self.timers = EventLoopTimerSource(eventLoop: client.eventLoop)
        let visibility = broker.options.visibilityTimeout
        self.wait = HandoverWait(
            broker.configuration, takingFrom: .right,
            patience: min(.seconds(30), max(.seconds(1), visibility / 2)),
            eventLoop: client.eventLoop, logger: broker.logger)
    }

    /// The lists that are served, and those that were.
    var lists: QueueLists { state.withLockedValue { $0.lists } }

    /// The tag of a claim in `unacked`.
    func tag(_ serial: UInt64) -> String { tagPrefix + String(serial) }

    func start() async throws {
        do {
            _ = try await client.send(RedisCommand("PING"))
        } catch {
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .configuration, "cannot use \(broker.name)", cause: error)
        }
        let interval = TimeAmount(max(.milliseconds(250), min(broker.options.visibilityTimeout / 4, .seconds(300))))
        let task = client.eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { [weak self] _ in
            self?.renewClaims()
        }
        renewal.withLockedValue { $0 = task }
    }

    // MARK: Taking

    func next(atMost limit: Int) async throws -> [Delivery] {
        // A script's stack takes some thousands of values; two go with each message.
        let limit = min(limit, 1000)
        var backoff = Backoff()
        while !state.withLockedValue({ $0.isStopped }) {
            do {
                try await restoreIfDue()
                try await emptyAbandonedHandovers()
                let deliveries = try await claim(atMost: limit)
                if !deliveries.isEmpty { return deliveries }
                backoff.reset()
                try await waitForMessage()
            } catch {
                if state.withLockedValue({ $0.isStopped }) { break }
                guard error.code != .authenticationFailed, error.code != .closed else {
                    throw CeleriacError(.unavailable, "cannot consume from \(broker.name)", cause: error)
                }
                let pause = backoff.next()
                logger.warning(
                    "cannot take messages, trying again",
                    metadata: ["broker": "\(broker.name)", "error": "\(error)", "seconds": "\(pause.seconds)"])
                await self.pause(pause)
            }
        }
        return []
    }

    private func waitForMessage() async throws(RedisError) {
        let gate = Gate()
        let (isOver, lists) = state.withLockedValue { state in
            state.waiting = gate
            return (state.isStopped || !state.abandoned.isEmpty, state.lists)
        }
        if isOver { return }
        // With no queue left there is nothing to wait for but a change.
        if lists.queueCount == 0 { return await gate.wait() }
        let sources = lists.servedPlaces.map { place in
            HandoverWait.Source(list: lists.lists[place].key, handover: lists.lists[place].handoverKey)
        }
        try await wait.wait(for: sources, unblockingWith: client, stop: gate)
    }

    /// Waits, but not past a stop.
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
        if lists.queueCount == 0 { return [] }
        let (serials, order, lists) = state.withLockedValue { state in
            let first = state.nextSerial
            state.nextSerial += UInt64(limit)
            let serials = first..<first + UInt64(limit)
            state.doubtful.append(serials)
            defer { state.firstQueue = (state.firstQueue + 1) % max(1, state.lists.queueCount) }
            return (serials, state.lists.order(startingAtQueue: state.firstQueue), state.lists)
        }
        let reply = try await client.evaluate(
            KombuScripts.claim,
            keys: [keys.unacked, keys.unackedIndex]
                + order.flatMap { [lists.lists[$0].handoverKey, lists.lists[$0].key] },
            arguments: [
                limit, timers.now.timeIntervalSince1970, tagPrefix, Int64(serials.lowerBound), 2 * lists.queueCount,
            ]
                + order.flatMap { [lists.lists[$0].claimSuffix, lists.lists[$0].claimSuffix] })
        let found = reply.array ?? []
        var serial = serials.lowerBound
        var claimed: [(UInt64, Held)] = []
        claimed.reserveCapacity(found.count / 2)
        var position = 0
        while position + 1 < found.count {
            if let place = found[position].int, let payload = found[position + 1].bytes,
                let list = order.indices.contains(Int(place) / 2) ? order[Int(place) / 2] : nil
            {
                claimed.append((serial, Held(list: list, payload: payload)))
            }
            serial += 1
            position += 2
        }
        state.withLockedValue { $0.doubtful.removeAll { $0 == serials } }
        return try await deliver(claimed)
    }

    /// Looks for claims that the server may have made although its answer never came.
    private func recoverDoubtfulClaims() async throws(RedisError) -> [Delivery] {
        guard let serials = state.withLockedValue({ $0.doubtful.first }) else { return [] }
        var command = RedisCommand("HMGET", keys.unacked)
        for serial in serials { command.append(tag(serial)) }
        let values = try await client.send(command).array ?? []
        let claimed = zip(serials, values).compactMap { serial, value -> (UInt64, Held)? in
            guard let stored = value.bytes, let (list, payload) = splitClaim(stored) else { return nil }
            return (serial, Held(list: list, payload: payload))
        }
        state.withLockedValue { $0.doubtful.removeAll { $0 == serials } }
        if !claimed.isEmpty {
            logger.notice("took up claims of a lost connection", metadata: ["messages": "\(claimed.count)"])
        }
        return try await deliver(claimed)
    }

    /// The list and the envelope of a claim that this consumer's script stored.
    private func splitClaim(_ stored: [UInt8]) -> (list: Int, payload: [UInt8])? {
        guard stored.first == UInt8(ascii: "[") else { return nil }
        for (index, list) in lists.lists.enumerated() {
            let suffix = Array(list.claimSuffix.utf8)
            if stored.count > suffix.count, stored.suffix(suffix.count).elementsEqual(suffix) {
                return (index, Array(stored[1..<stored.count - suffix.count]))
            }
        }
        return nil
    }

    private func deliver(_ claimed: [(serial: UInt64, held: Held)]) async throws(RedisError) -> [Delivery] {
        guard !claimed.isEmpty else { return [] }
        state.withLockedValue { state in for (serial, held) in claimed { state.held[serial] = held } }
        var deliveries: [Delivery] = []
        deliveries.reserveCapacity(claimed.count)
        var redelivered: [(place: Int, serial: UInt64, tag: String)] = []
        for (serial, held) in claimed {
            let queue = lists.lists[held.list].queue
            let receipt = Receipt(generation: 0, tag: serial)
            do {
                let envelope = try KombuEnvelope.decode(held.payload)
                if envelope.redelivered { redelivered.append((deliveries.count, serial, envelope.deliveryTag)) }
                deliveries.append(
                    Delivery(
                        content: .success(envelope.message), queue: queue, exchange: envelope.exchange,
                        routingKey: envelope.routingKey, redelivered: envelope.redelivered, receipt: receipt))
            } catch {
                deliveries.append(
                    Delivery(content: .failure(MessageFault(error)), queue: queue, receipt: receipt))
            }
        }
        if !redelivered.isEmpty { await countAttempts(redelivered, in: &deliveries) }
        return deliveries
    }

    /// Counts how often messages come back. Without an answer they are delivered uncounted.
    private func countAttempts(
        _ redelivered: [(place: Int, serial: UInt64, tag: String)], in deliveries: inout [Delivery]
    ) async {
        let commands = redelivered.flatMap { entry in
            [
                RedisCommand("INCR", keys.attempts(entry.tag)),
                RedisCommand("EXPIRE", keys.attempts(entry.tag), 86400),
            ]
        }
        guard let replies = try? await client.send(commands) else { return }
        for (index, entry) in redelivered.enumerated() where 2 * index < replies.count {
            deliveries[entry.place].attempts = Int(replies[2 * index].int ?? 0)
            state.withLockedValue { $0.held[entry.serial]?.countedAttempt = entry.tag }
        }
    }

    // MARK: Holding

    /// Pushes the time of every claim forward. Runs on the event loop, whatever handlers do to their threads.
    private func renewClaims() {
        let serials = state.withLockedValue { Array($0.held.keys) }
        guard !serials.isEmpty else { return }
        let now = timers.now.timeIntervalSince1970
        var commands: [RedisCommand] = []
        for start in stride(from: 0, to: serials.count, by: 500) {
            var command = RedisCommand("ZADD", keys.unackedIndex, "XX")
            for serial in serials[start..<min(start + 500, serials.count)] {
                command.append(String(now))
                command.append(tag(serial))
            }
            commands.append(command)
        }
        client.submit(commands).whenFailure { [logger] error in
            logger.warning("could not renew claims", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Ending

    func stop() async {
        let gate = state.withLockedValue { state in
            state.isStopped = true
            return state.waiting
        }
        gate?.open()
    }

    func close() async throws {
        await stop()
        renewal.withLockedValue { $0?.cancel() }
        defer { renewal.withLockedValue { $0 = nil } }
        await wait.closeAll()
        do {
            try await settleAndGiveBackAll()
        } catch {
            let count = state.withLockedValue { $0.held.count }
            await client.close()
            throw CeleriacError(
                .unavailable,
                "\(count) claimed message(s) were not given back: they are restored after the visibility timeout",
                cause: error)
        }
        await client.close()
    }

    /// Settles what is done, gives back what is held, and what was handed over but not claimed.
    private func settleAndGiveBackAll() async throws(RedisError) {
        var refusal: RedisError?
        do {
            try await settleUnsettled()
        } catch {
            // One that is refused must not keep the others.
            guard error.code == .server else { throw error }
            refusal = error
        }
        _ = try await recoverDoubtfulClaims()
        try await giveBack(
            serials: state.withLockedValue { state in state.held.keys.filter { state.unsettled[$0] == nil } })
        let lists = lists
        try await emptyHandovers(of: lists.servedPlaces + state.withLockedValue { $0.abandoned }, in: lists)
        if let refusal { throw refusal }
    }
}
#endif
