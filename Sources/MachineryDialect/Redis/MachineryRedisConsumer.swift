#if Redis
import CeleriacCore
import CeleriacRedis
import CeleriacWire
import Logging
import NIOCore
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// Claims messages from Machinery's lists, renews the claims while it holds them, puts back those that others left, and
/// moves delayed tasks whose time has come.
final class MachineryRedisConsumer: MessageConsumer {
    struct Held: Sendable {
        let queue: Int
        let payload: [UInt8]
    }
    struct State: Sendable {
        var held: [UInt64: Held] = [:]
        /// How held messages ended whose settlement did not reach the server: they are never put back.
        var unsettled: [UInt64: Settlement.Disposition] = [:]
        var nextSerial: UInt64 = 1
        /// Serials of claims whose answer did not arrive, with their queues: they may stand.
        var doubtful: [(queue: Int, serials: Range<UInt64>)] = []
        var firstQueue = 0
        var waiting: Gate?
        var isStopped = false
    }

    let broker: MachineryRedisBroker
    let queues: [InFlightKeys]
    let client: RedisClient
    let logger: Logger
    let nodeName: String
    let timers: EventLoopTimerSource
    let state = NIOLockedValueBox(State())
    let chores = NIOLockedValueBox<[RepeatedTask]>([])
    /// Makes this consumer's tags unlike anybody else's.
    private let tagPrefix = randomUUID() + "."
    private let wait: HandoverWait

    init(broker: MachineryRedisBroker, options: ConsumerOptions) {
        self.broker = broker
        self.queues = options.queues.map { InFlightKeys(queue: $0) }
        self.logger = broker.logger
        self.nodeName = options.nodeName
        self.client = RedisClient(broker.configuration, eventLoopGroup: broker.eventLoopGroup, logger: broker.logger)
        self.timers = EventLoopTimerSource(eventLoop: client.eventLoop)
        self.wait = HandoverWait(
            broker.configuration, takingFrom: .left, patience: .seconds(30), eventLoop: client.eventLoop,
            logger: broker.logger)
    }

    /// The tag of a claim.
    func tag(_ serial: UInt64) -> String { tagPrefix + String(serial) }

    func start() async throws {
        do {
            _ = try await client.send(RedisCommand("PING"))
        } catch {
            throw CeleriacError(
                error.isOutOfReach ? .unavailable : .configuration, "cannot use \(broker.name)", cause: error)
        }
        startChores()
    }

    // MARK: Taking

    func next(atMost limit: Int) async throws -> [Delivery] {
        // A script's stack takes some thousands of values; two go with each message.
        let limit = min(limit, 1000)
        var backoff = Backoff()
        while !state.withLockedValue({ $0.isStopped }) {
            do {
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
        let isStopped = state.withLockedValue { state in
            state.waiting = gate
            return state.isStopped
        }
        if isStopped { return }
        let sources = queues.map { HandoverWait.Source(list: $0.queue, handover: $0.handover) }
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
        // The queues take turns in being asked first.
        let first = state.withLockedValue { state in
            defer { state.firstQueue = (state.firstQueue + 1) % max(1, queues.count) }
            return state.firstQueue
        }
        var deliveries: [Delivery] = []
        for offset in queues.indices where deliveries.count < limit {
            deliveries += try await claim((first + offset) % queues.count, atMost: limit - deliveries.count)
        }
        return deliveries
    }

    private func claim(_ queue: Int, atMost limit: Int) async throws(RedisError) -> [Delivery] {
        let serials = state.withLockedValue { state in
            let first = state.nextSerial
            state.nextSerial += UInt64(limit)
            let serials = first..<first + UInt64(limit)
            state.doubtful.append((queue, serials))
            return serials
        }
        let reply = try await client.evaluate(
            MachineryScripts.claim, keys: queues[queue].all,
            arguments: [limit, timers.now.timeIntervalSince1970, tagPrefix, Int64(serials.lowerBound)])
        let found = reply.array ?? []
        var claimed: [(serial: UInt64, payload: [UInt8], attempts: Int)] = []
        claimed.reserveCapacity(found.count / 2)
        var serial = serials.lowerBound
        for position in stride(from: 0, to: found.count - 1, by: 2) {
            if let payload = found[position].bytes { claimed.append((serial, payload, found[position + 1].int ?? 0)) }
            serial += 1
        }
        return state.withLockedValue { state in
            state.doubtful.removeAll { $0.serials == serials }
            return deliver(claimed, from: queue, &state)
        }
    }

    private func deliver(
        _ claimed: [(serial: UInt64, payload: [UInt8], attempts: Int)], from queue: Int, _ state: inout State
    ) -> [Delivery] {
        claimed.map { serial, payload, attempts in
            state.held[serial] = Held(queue: queue, payload: payload)
            return Delivery(
                content: .success(WireMessage(body: payload)), queue: queues[queue].queue,
                redelivered: attempts > 0, attempts: attempts, receipt: Receipt(generation: 0, tag: serial))
        }
    }

    /// Looks for claims that the server may have made although its answer never came.
    private func recoverDoubtfulClaims() async throws(RedisError) -> [Delivery] {
        guard let (queue, serials) = state.withLockedValue({ $0.doubtful.first }) else { return [] }
        var command = RedisCommand("HMGET", queues[queue].claims)
        for serial in serials { command.append(tag(serial)) }
        let values = try await client.send(command).array ?? []
        let claimed = zip(serials, values).compactMap { serial, value in
            value.bytes.map { (serial: serial, payload: $0, attempts: 0) }
        }
        if !claimed.isEmpty {
            logger.notice("took up claims of a lost connection", metadata: ["messages": "\(claimed.count)"])
        }
        return state.withLockedValue { state in
            state.doubtful.removeAll { $0.serials == serials }
            return deliver(claimed, from: queue, &state)
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
        let chores = self.chores.withLockedValue { chores in
            defer { chores = [] }
            return chores
        }
        for chore in chores { chore.cancel() }
        await wait.closeAll()
        do {
            try await settleAndGiveBackAll()
        } catch {
            let held = state.withLockedValue { $0.held.count }
            await client.close()
            throw CeleriacError(
                .unavailable,
                "\(held) claimed message(s) were not given back: a worker restores them after the claim timeout",
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
        let held = state.withLockedValue { state in state.held.keys.filter { state.unsettled[$0] == nil } }
        try await putBack(held.sorted())
        let swept = try await client.send(
            queues.map { .evaluate(MachineryScripts.sweep, keys: $0.all.map { $0 as any RedisArgument }) })
        if let refusal = refusal ?? swept.lazy.compactMap(\.error).first.map({ RedisError($0) }) { throw refusal }
    }
}
#endif
