import CeleriacCore
import CeleriacWire
import Logging
import Metrics

/// Takes messages from the source of a route and puts them into the target. It acknowledges a message once the target has
/// confirmed the task and the note about its reply.
struct Forwarder: Sendable {
    let run: RouteRun
    let door: BridgeDoor
    let window: RepeatWindow

    /// How often what the target refuses is tried.
    private static let attempts = 3
    /// How often it looks whether replies have come.
    private static let lookPeriod = Duration.milliseconds(20)
    /// After how many looks in vain operators are told. A route that is busy waits for a moment now and then.
    private static let looksInSilence = 50

    init(_ run: RouteRun) {
        self.run = run
        door = BridgeDoor(run.route, from: run.source, to: run.target)
        window = RepeatWindow()
    }

    /// Forwards until the route ends, whenever its valve is open. A route whose queue operators have paused before begins with
    /// it closed, and opens it once they resume the queue.
    func forward() async throws {
        let pause = await queuePause()
        try await withThrowingTaskGroup(of: Void.self) { group in
            if let pause { group.addTask { await pause.watch.run(until: pause.change) } }
            try await forwardWheneverOpen()
            // Its end has changed the valve, too.
            try await group.waitForAll()
        }
    }

    /// Closes the valve if the queue is paused.
    ///
    /// - Returns: what opens it again, unless somebody else changes it before; nil if the queue is not paused.
    private func queuePause() async -> (watch: PauseWatch, change: Gate)? {
        guard run.valve.position == .open else { return nil }
        let (queue, broker) = (run.route.sourceQueue, run.source.broker)
        do {
            let paused = try await run.patience.run("the broker of \(queue)", while: { $0.code == .unavailable }) {
                try await broker.pausedQueues(among: [queue])
            }
            if paused.isEmpty { return nil }
        } catch {
            if !run.stop.isOpen {
                run.logger.warning(
                    "a bridge cannot see whether a queue is paused",
                    metadata: ["queue": "\(queue)", "error": "\(error)"])
            }
            return nil
        }
        run.valve.turn(to: .paused)
        let (position, change) = run.valve.current
        guard position == .paused else { return nil }
        run.logger.warning(
            "a queue is paused, and a bridge takes nothing from it until it is resumed",
            metadata: ["queue": "\(queue)"])
        let watch = PauseWatch([TaskQueue(queue)], at: broker, timers: run.timers, logger: run.logger) { [run] _ in
            run.valve.turn(to: .open)
        }
        return (watch, change)
    }

    private func forwardWheneverOpen() async throws {
        while true {
            let (position, change) = run.valve.current
            switch position {
            case .open: try await forward(until: change)
            case .paused, .draining: await change.wait()
            case .ended: return
            }
        }
    }

    private func forward(until change: Gate) async throws {
        let consumer = try await run.consumer(
            of: run.route.sourceQueue, at: run.source.broker.workerSide, prefetch: run.route.inFlight)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await change.waitUnlessCancelled()
                    await consumer.stop()
                }
                defer { group.cancelAll() }
                try await forward(from: consumer, until: change)
            }
        } catch {
            await consumer.stop()
            try? await consumer.close()
            // What it holds is given back; the route was ended while a server was out of reach.
            if run.stop.isOpen { return }
            throw error
        }
        try await consumer.close()
    }

    private func forward(from consumer: any MessageConsumer, until change: Gate) async throws {
        while !change.isOpen {
            await waitForRoom(until: change)
            let deliveries = try await consumer.next(atMost: batch)
            if deliveries.isEmpty { return }
            let count = try await pass(deliveries, consumer)
            if let rate = run.route.rate, count > 0 {
                await change.wait(
                    atMost: Duration(clampedSeconds: Double(count) / rate.perSecond), timers: run.timers)
            }
        }
    }

    private var batch: Int {
        guard let rate = run.route.rate else { return run.route.inFlight }
        return max(1, min(run.route.inFlight, Int(min(rate.perSecond, 1_000_000))))
    }

    /// Waits while too many replies are awaited.
    private func waitForRoom(until change: Gate) async {
        guard run.hasReplies else { return }
        var looks = 0
        defer { if looks >= Self.looksInSilence { run.counts.change { $0.isFull = false } } }
        while run.counts.status.pending >= run.route.pending {
            looks += 1
            if looks == Self.looksInSilence {
                run.counts.change { $0.isFull = true }
                run.logger.warning("a bridge waits for replies", metadata: ["pending": "\(run.route.pending)"])
            }
            if await change.wait(atMost: Self.lookPeriod, timers: run.timers) { return }
        }
    }

    // MARK: A batch

    /// One message that goes on.
    private struct Going: Sendable {
        var delivery: Delivery
        var forwarding: BridgeDoor.Forwarding
    }

    /// One whose task the target has refused.
    private struct Refusal: Sendable {
        var going: Going
        var error: CeleriacError
        /// Whether there is a note about it.
        var hasNote: Bool
    }

    /// What becomes of those that go on.
    private enum Fate: Sendable {
        case confirmed
        case refused(CeleriacError)
        /// The task was refused, and there is a note about it.
        case refusedLate(CeleriacError)
        /// The answer did not arrive: it comes again.
        case unknown
    }

    /// Passes deliveries on, and settles them.
    ///
    /// - Returns: how many the target has confirmed.
    private func pass(_ deliveries: [Delivery], _ consumer: any MessageConsumer) async throws -> Int {
        var going: [Going] = []
        var settlements: [Settlement] = []
        let begin = ContinuousClock.now
        let context = run.target.client.publicationContext()
        for delivery in deliveries {
            switch door.passage(of: delivery, in: context) {
            case .forward(let forwarding):
                if run.revoked.contains(forwarding.sourceID), let request = self.request(of: delivery) {
                    try await run.answer(.revoked(.revoked), request)
                    settlements.append(Settlement(delivery.receipt, .acknowledge))
                } else if window.contains(forwarding.targetID) {
                    run.counts.change { $0.repeated += 1 }
                    settlements.append(Settlement(delivery.receipt, .acknowledge))
                } else {
                    going.append(Going(delivery: delivery, forwarding: forwarding))
                }
            case .refuse(let fault, let request):
                settlements.append(Settlement(delivery.receipt, .park(await run.told(fault, request))))
            case .end(let outcome, let request):
                try await run.answer(outcome, request)
                settlements.append(Settlement(delivery.receipt, .acknowledge))
            }
        }
        going = try await withoutBegun(going)
        var confirmed = 0
        var copies: [OutgoingMessage] = []
        var refused: [Refusal] = []
        for (one, fate) in zip(going, try await publish(going)) {
            switch fate {
            case .confirmed:
                confirmed += 1
                window.insert(one.forwarding.targetID)
                copies += one.forwarding.copies
                settlements.append(Settlement(one.delivery.receipt, .acknowledge))
            case .unknown: settlements.append(Settlement(one.delivery.receipt, .requeue))
            case .refused(let error): refused.append(Refusal(going: one, error: error, hasNote: false))
            case .refusedLate(let error): refused.append(Refusal(going: one, error: error, hasNote: true))
            }
        }
        let count = confirmed
        run.counts.change { $0.forwarded += count }
        if !settlements.isEmpty { try await consumer.settle(settlements) }
        if let metrics = run.metrics {
            let duration = begin.duration(to: .now)
            for _ in 0..<count { metrics.forwarding.record(duration: duration) }
        }
        await shadow(copies)
        // This may have to wait for servers until the bridge ends. What was forwarded must not come again for that.
        for refusal in refused { try await end(refusal, consumer) }
        return count
    }

    /// Tells the source of a task that the target has refused, and parks its message.
    private func end(_ refusal: Refusal, _ consumer: any MessageConsumer) async throws {
        let (forwarding, delivery) = (refusal.going.forwarding, refusal.going.delivery)
        if refusal.hasNote { try await withdraw(forwarding) }
        let fault = MessageFault(reason: "targetRefused", detail: "the target refused it: \(refusal.error)")
        let told = await run.told(fault, request(of: delivery))
        try await consumer.settle([Settlement(delivery.receipt, .park(told))])
    }

    /// Publishes copies for the shadow's queue. None of them is worth a message that is real: what cannot be published is
    /// left out.
    private func shadow(_ copies: [OutgoingMessage]) async {
        if copies.isEmpty { return }
        do {
            try await run.target.broker.publish(copies)
            run.counts.change { $0.shadowed += copies.count }
        } catch {
            run.logger.warning("a bridge could not copy messages", metadata: ["error": "\(error)"])
        }
    }

    /// Leaves out the messages of what was delivered again although its task has begun at the target: only its reply is
    /// still to come, perhaps.
    private func withoutBegun(_ going: [Going]) async throws -> [Going] {
        let again = going.filter(\.delivery.redelivered).map(\.forwarding.targetID)
        guard run.hasReplies, !again.isEmpty, let store = run.target.client.store else { return going }
        let stored = try await run.patience.atStore("the target") { try await store.fetch(again) }
        var begun: Set<String> = []
        for (id, payload) in zip(again, stored) {
            // One that was refused has not begun, whatever is stored about its note.
            guard let payload, let result = try? run.target.dialect.result(from: payload), result.state != .pending,
                NoteWithdrawal.key(in: result) == nil
            else { continue }
            begun.insert(id)
        }
        return going.map { one in
            guard one.delivery.redelivered, begun.contains(one.forwarding.targetID) else { return one }
            var known = one
            known.forwarding.messages = []
            known.forwarding.records = []
            known.forwarding.copies = []
            return known
        }
    }

    private func request(of delivery: Delivery) -> TaskRequest? {
        guard case .success(let message) = delivery.content else { return nil }
        return try? run.source.dialect.request(of: message, delivery: delivery)
    }

    // MARK: Publishing

    /// States first, then notes, then tasks: a task must not end before somebody waits for it.
    private func publish(_ going: [Going]) async throws -> [Fate] {
        if going.isEmpty { return [] }
        let records = going.flatMap(\.forwarding.records)
        if !records.isEmpty, let store = run.target.client.store {
            try await run.patience.atStore("the target") { try await store.store(records) }
        }
        var fates = [Fate](repeating: .confirmed, count: going.count)
        if run.hasReplies {
            fates = try await publish(going.map { $0.forwarding.note.map { [$0] } ?? [] }, fates, at: run.target.notes)
        }
        let areRefused = fates.map { if case .refused = $0 { true } else { false } }
        fates = try await publish(going.map(\.forwarding.messages), fates, at: run.target.broker)
        guard run.hasReplies else { return fates }
        return zip(fates, areRefused).map { fate, wasRefused -> Fate in
            if case .refused(let error) = fate, !wasRefused { return .refusedLate(error) }
            return fate
        }
    }

    /// Ends the note about a task that the target has refused, whoever holds it.
    private func withdraw(_ forwarding: BridgeDoor.Forwarding) async throws {
        guard let key = forwarding.noteKey, let store = run.target.client.store else { return }
        let records = NoteWithdrawal.records(of: key, forwarding.targetID, forwarding.messages, in: run)
        do {
            if records.isEmpty { throw CeleriacError(.unsupported, "the target has no failure for it") }
            try await run.patience.atStore("the target") { try await store.store(records) }
        } catch let error as CeleriacError where error.code != .unavailable {
            // Whoever holds the note answers once more, when the time for the reply is over.
            run.logger.error("a bridge could not withdraw a note", metadata: ["error": "\(error)"])
        }
    }

    /// Publishes the messages of those that have met no other fate.
    private func publish(
        _ messages: [[OutgoingMessage]], _ fates: [Fate], at broker: any MessageBroker
    ) async throws -> [Fate] {
        var fates = fates
        var batch: [OutgoingMessage] = []
        var owners: [Int] = []
        for (index, own) in messages.enumerated() {
            guard case .confirmed = fates[index] else { continue }
            batch += own
            owners += own.map { _ in index }
        }
        if batch.isEmpty { return fates }
        do {
            try await publish(batch, at: broker)
        } catch let error as PartialPublishError {
            for (place, _) in error.unknown where owners.indices.contains(place) { fates[owners[place]] = .unknown }
            for (place, reason) in error.refused where owners.indices.contains(place) {
                fates[owners[place]] = .refused(reason)
            }
        } catch let error as CeleriacError where error.code != .unavailable {
            if batch.count == 1, let owner = owners.first {
                fates[owner] = .refused(error)
                return fates
            }
            // None may have been taken: each is tried alone, so that one does not hold up the others.
            for (index, own) in messages.enumerated() {
                guard case .confirmed = fates[index] else { continue }
                fates[index] = try await alone(own, at: broker)
            }
        }
        return fates
    }

    private func publish(_ messages: [OutgoingMessage], at broker: any MessageBroker) async throws {
        try await run.patience.atBroker("the target") { try await broker.publish(messages) }
    }

    private func alone(_ messages: [OutgoingMessage], at broker: any MessageBroker) async throws -> Fate {
        var fate = Fate.unknown
        for _ in 1...Self.attempts {
            do {
                try await publish(messages, at: broker)
                return .confirmed
            } catch let error as CeleriacError where error.code != .unavailable {
                fate = .refused(error)
            } catch is PartialPublishError {
                fate = .unknown
            }
        }
        return fate
    }
}
