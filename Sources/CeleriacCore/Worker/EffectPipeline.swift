import Logging
import NIOConcurrencyHelpers
import Synchronization

/// Carries out effects: one lane for each kind, each of which does everything that waits in one round trip; a plan moves
/// on to the lane of its next effect when its first is done. So the order within a plan holds, and plans share trips.
final class EffectPipeline: Sendable {
    private let publishing = Lane<Plan>()
    private let storing = Lane<Plan>()
    private let counting = Lane<Plan>()
    private let calling = Lane<Plan>()
    private let settling = Lane<Plan>()
    /// The plans that pause, each with its timer.
    private let pausing = NIOLockedValueBox<[UInt64: (plan: Plan, timer: any RunningTimer)]>([:])
    private let lastPause = Atomic<UInt64>(0)
    private let underWay = NIOLockedValueBox((count: 0, drained: Gate?.none))

    private let broker: any Broker
    private let store: (any ResultStore)?
    private let consumer: any MessageConsumer
    private let timers: any TimerSource
    private let logger: Logger
    /// Called with the number of jobs whose plans are done.
    private let onJobsEnded: @Sendable (Int) -> Void
    /// Once open, nothing is tried again: what cannot be done is given back.
    private let lastCall = Gate()

    init(
        broker: any Broker,
        store: (any ResultStore)?,
        consumer: any MessageConsumer,
        timers: any TimerSource,
        logger: Logger,
        onJobsEnded: @escaping @Sendable (Int) -> Void
    ) {
        self.broker = broker
        self.store = store
        self.consumer = consumer
        self.timers = timers
        self.logger = logger
        self.onJobsEnded = onJobsEnded
    }

    func submit(_ plan: Plan) {
        underWay.withLockedValue { $0.count += 1 }
        forward([plan])
    }

    /// Runs the lanes until ``close()``.
    ///
    /// - Parameters:
    ///   - instead: what to do in place of effects of a plan that are refused time and again, before its message is kept
    ///     aside: the failure that its task has then.
    ///   - call: calls an error callback of this worker. Not on an event loop: it is a handler.
    func run(
        instead: @escaping @Sendable (Plan, any Error) -> [Effect],
        call: @escaping @Sendable (ErrorCall, Plan) async -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.run(self.publishing) { await self.publish($0, instead: instead) } }
            group.addTask { await self.run(self.storing) { await self.store($0, instead: instead) } }
            group.addTask { await self.run(self.counting) { await self.count($0, instead: instead) } }
            group.addTask(executorPreference: globalConcurrentExecutor) {
                await self.run(self.calling) { await self.makeCalls($0, by: call) }
            }
            group.addTask { await self.run(self.settling) { await self.settle($0) } }
        }
    }

    private func run(_ lane: Lane<Plan>, perform: ([Plan]) async -> [Plan]) async {
        while true {
            let plans = await lane.take()
            if plans.isEmpty { return }
            forward(await perform(plans))
        }
    }

    /// Waits until everything that was submitted is done.
    func drain() async {
        let gate = underWay.withLockedValue { state in
            if state.count == 0 { return nil as Gate? }
            let gate = state.drained ?? Gate()
            state.drained = gate
            return gate
        }
        await gate?.wait()
    }

    /// From now on nothing is tried twice.
    func stopRetrying() {
        lastCall.open()
        let paused = pausing.withLockedValue { pausing in
            defer { pausing = [:] }
            return pausing.sorted { $0.key < $1.key }.map(\.value)
        }
        for (_, timer) in paused { timer.cancel() }
        forward(paused.map { $0.plan.advanced() })
    }

    func close() {
        publishing.close()
        storing.close()
        counting.close()
        calling.close()
        settling.close()
    }

    private func forward(_ plans: [Plan]) {
        var toPublish: [Plan] = []
        var toStore: [Plan] = []
        var toCount: [Plan] = []
        var toCall: [Plan] = []
        var toSettle: [Plan] = []
        var done = 0
        var endedJobs = 0
        for plan in plans {
            switch plan.first {
            case .publish: toPublish.append(plan)
            case .store: toStore.append(plan)
            case .chord: toCount.append(plan)
            case .call: toCall.append(plan)
            case .settle: toSettle.append(plan)
            case .pause(let duration):
                // It is out of the worker's way until then.
                if plan.endsJob { endedJobs += 1 }
                pause(plan.keptAside(), for: duration)
            case nil:
                done += 1
                if plan.endsJob { endedJobs += 1 }
                plan.onEnd?()
            }
        }
        publishing.put(contentsOf: toPublish)
        storing.put(contentsOf: toStore)
        counting.put(contentsOf: toCount)
        calling.put(contentsOf: toCall)
        settling.put(contentsOf: toSettle)
        if endedJobs > 0 { onJobsEnded(endedJobs) }
        guard done > 0 else { return }
        let drained = underWay.withLockedValue { state in
            state.count -= done
            guard state.count == 0 else { return nil as Gate? }
            defer { state.drained = nil }
            return state.drained
        }
        drained?.open()
    }

    // MARK: Pausing

    private func pause(_ plan: Plan, for duration: Duration) {
        let id = lastPause.add(1, ordering: .relaxed).newValue
        // Under the lock, so that the timer is known before it can fire, and so that no pause begins after the last call.
        let isPaused = pausing.withLockedValue { pausing in
            guard !lastCall.isOpen else { return false }
            pausing[id] = (
                plan,
                timers.schedule(after: duration) {
                    if let (plan, _) = self.pausing.withLockedValue({ $0.removeValue(forKey: id) }) {
                        self.forward([plan.advanced()])
                    }
                }
            )
            return true
        }
        if !isPaused { forward([plan.advanced()]) }
    }

    // MARK: Publishing

    private func publish(_ plans: [Plan], instead: (Plan, any Error) -> [Effect]) async -> [Plan] {
        await perform(plans, what: "publish", reason: "followUpNotPublished", instead: instead) { plans in
            let messages = plans.map(\.messages)
            do {
                try await broker.publish(Array(messages.joined()))
            } catch let error as PartialPublishError {
                // What was taken is not published again.
                var index = 0
                for (place, messages) in messages.enumerated() {
                    plans[place].leave(messages.enumerated().filter { error.names(index + $0.offset) }.map(\.element))
                    index += messages.count
                }
                throw error
            }
            return []
        }
    }

    // MARK: Storing

    private func store(_ plans: [Plan], instead: (Plan, any Error) -> [Effect]) async -> [Plan] {
        guard let store else { return plans.map { $0.advanced() } }
        return await perform(plans, what: "store results", reason: "resultNotStored", instead: instead) { plans in
            try await store.store(
                plans.compactMap { plan in
                    guard case .store(let record)? = plan.first else { return nil }
                    return record
                })
            return []
        }
    }

    // MARK: Chords

    private func count(_ plans: [Plan], instead: (Plan, any Error) -> [Effect]) async -> [Plan] {
        guard let store = store as? any ChordStore else { return plans.map { $0.advanced() } }
        return await perform(plans, what: "go on with chords", reason: "chordNotCounted", instead: instead) { plans in
            let operations = plans.compactMap { plan -> ChordOperation? in
                guard case .chord(let operation)? = plan.first else { return nil }
                return operation
            }
            return zip(operations, try await store.perform(operations)).map { operation, completion in
                guard let completion, case .add(let part) = operation else { return [] }
                return part.whenComplete(completion)
            }
        }
    }

    // MARK: Error callbacks

    private func makeCalls(_ plans: [Plan], by call: (ErrorCall, Plan) async -> Void) async -> [Plan] {
        for plan in plans {
            if case .call(let errorCall)? = plan.first { await call(errorCall, plan) }
        }
        return plans.map { $0.advanced() }
    }

    // MARK: Trying

    /// Does something for all plans at once; if that fails, for each alone, so that one which cannot be done does not
    /// hold up the others. While the other side is out of reach it is tried again: the messages stay claimed.
    ///
    /// - Parameters:
    ///   - reason: the name of the fault of a message for which it is refused time and again.
    ///   - instead: what is done for it then.
    ///   - action: does it, and returns for each plan what is to be done next, or nothing for none. Where it does a part,
    ///     it leaves the rest to the plans.
    private func perform(
        _ plans: [Plan],
        what: String,
        reason: String,
        instead: (Plan, any Error) -> [Effect],
        action: (inout [Plan]) async throws -> [[Effect]]
    ) async -> [Plan] {
        var plans = plans
        do {
            let next = try await action(&plans)
            return Self.advanced(plans, next)
        } catch {
            logger.warning("could not \(what)", metadata: ["error": "\(error)", "tasks": "\(plans.count)"])
        }
        var done: [Plan] = []
        /// Found out of reach after the last call: it is not waited for once more for each plan.
        var isGivenUp = false
        for var plan in plans {
            var backoff = Backoff()
            var refusals = 0
            while true {
                if isGivenUp {
                    plan.replaceRest(with: .requeue)
                    break
                }
                var alone = [plan]
                do {
                    let next = try await action(&alone)
                    plan.advance(inserting: next.first ?? [])
                    break
                } catch {
                    plan = alone.first ?? plan
                    let isOutOfReach = (error as? CeleriacError)?.code == .unavailable
                    if !isOutOfReach { refusals += 1 }
                    if lastCall.isOpen, isOutOfReach {
                        isGivenUp = true
                        if plan.receipt == nil {
                            logger.error(
                                "could not \(what) before the worker stops, and the message is acknowledged",
                                metadata: ["task-id": "\(plan.taskID)", "error": "\(error)"])
                        }
                        continue
                    }
                    if refusals >= 3 {
                        logger.error(
                            "could not \(what): giving up",
                            metadata: ["task-id": "\(plan.taskID)", "error": "\(error)"])
                        plan.replaceRest(
                            with: .park(MessageFault(reason: reason, detail: String(describing: error))),
                            after: instead(plan, error))
                        break
                    }
                    await lastCall.wait(atMost: backoff.next(), timers: timers)
                }
            }
            done.append(plan)
        }
        return done
    }

    private static func advanced(_ plans: [Plan], _ next: [[Effect]]) -> [Plan] {
        guard !next.isEmpty else { return plans.map { $0.advanced() } }
        return zip(plans, next).map { plan, next in
            var plan = plan
            plan.advance(inserting: next)
            return plan
        }
    }

    // MARK: Settling

    private func settle(_ plans: [Plan]) async -> [Plan] {
        let settlements = plans.compactMap { plan -> Settlement? in
            guard let receipt = plan.receipt, case .settle(let disposition)? = plan.first else { return nil }
            return Settlement(receipt, disposition)
        }
        do {
            try await consumer.settle(settlements)
        } catch {
            // The consumer has given up: its broker takes the messages back, or keeps them claimed until they time out.
            logger.error(
                "could not settle messages: they will be delivered again",
                metadata: ["error": "\(error)", "messages": "\(settlements.count)"])
        }
        return plans.map { $0.advanced() }
    }
}

extension Plan {
    fileprivate func advanced() -> Plan {
        var plan = self
        plan.advance()
        return plan
    }
}
