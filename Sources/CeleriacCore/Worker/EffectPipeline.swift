import Logging
import NIOConcurrencyHelpers
import Synchronization

/// Carries out the plans of a worker.
///
/// There is a lane for each kind of effect. A lane carries out everything that waits in it in one round trip, and each plan
/// moves on to the lane of its next effect when its first is done. So the order within a plan holds, and plans share trips.
final class EffectPipeline: Sendable {
    /// The lanes, by what they do.
    enum Kind: Int, CaseIterable {
        case publish, store, count, call, settle
    }

    private let lanes: [Lane<Plan>] = Kind.allCases.map { _ in Lane() }
    /// The plans that pause, each with its timer.
    private let pausing = NIOLockedValueBox<[UInt64: (plan: Plan, timer: any RunningTimer)]>([:])
    private let lastPause = Atomic<UInt64>(0)
    private let underWay = NIOLockedValueBox((count: 0, drained: Gate?.none))
    /// Once open, nothing is tried again: what cannot be done is given back.
    private let lastCall = Gate()

    private let dialect: any Dialect
    private let interpreter: EffectInterpreter
    private let consumer: any MessageConsumer
    private let timers: any TimerSource
    private let logger: Logger
    /// Called with the number of jobs whose plans are done.
    private let onJobsEnded: @Sendable (Int) -> Void

    init(
        dialect: any Dialect,
        broker: any Broker,
        store: (any ResultStore)?,
        consumer: any MessageConsumer,
        timers: any TimerSource,
        logger: Logger,
        onJobsEnded: @escaping @Sendable (Int) -> Void
    ) {
        self.dialect = dialect
        self.interpreter = EffectInterpreter(broker: broker, store: store)
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
    ///   - instead: what to do in place of effects of a plan that are refused time and again, before its message is
    ///     parked: the failure that its task then has.
    ///   - call: calls an error callback of the worker. It is a handler, so it is not called on an event loop.
    func run(
        instead: @escaping @Sendable (Plan, any Error) -> [Effect],
        call: @escaping @Sendable (ErrorCall, Plan) async -> Void
    ) async {
        await withTaskGroup(of: Void.self) { group in
            for kind in Kind.allCases {
                let executor: (any TaskExecutor)? = kind == .call ? globalConcurrentExecutor : nil
                group.addTask(executorPreference: executor) {
                    while case let plans = await self.lanes[kind.rawValue].take(), !plans.isEmpty {
                        self.forward(await self.carryOut(kind, plans, instead: instead, call: call))
                    }
                }
            }
        }
    }

    private func carryOut(
        _ kind: Kind, _ plans: [Plan], instead: (Plan, any Error) -> [Effect], call: (ErrorCall, Plan) async -> Void
    ) async -> [Plan] {
        switch kind {
        case .publish:
            await attempt(plans, "publish", fault: "followUpNotPublished", instead) { try await publish(&$0) }
        case .store: await attempt(plans, "store results", fault: "resultNotStored", instead) { try await store($0) }
        case .count:
            await attempt(plans, "go on with chords", fault: "chordNotCounted", instead) { try await count($0) }
        case .call: await self.call(plans, by: call)
        case .settle: await settle(plans)
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

    /// From now on nothing is tried twice, and no plan pauses.
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
        for lane in lanes { lane.close() }
    }

    // MARK: From lane to lane

    private func forward(_ plans: [Plan]) {
        guard let kind = plans.first?.kind else { return leave(plans) }
        // Mostly all of a batch go the same way, and then they go as they are.
        if plans.allSatisfy({ $0.kind == kind }) { return lanes[kind.rawValue].put(contentsOf: plans) }
        var batches = [[Plan]](repeating: [], count: lanes.count)
        var others: [Plan] = []
        for plan in plans {
            if let kind = plan.kind { batches[kind.rawValue].append(plan) } else { others.append(plan) }
        }
        for (lane, batch) in zip(lanes, batches) { lane.put(contentsOf: batch) }
        leave(others)
    }

    /// Takes plans out of the lanes: those that pause, for a while, and those that are done.
    private func leave(_ plans: [Plan]) {
        var done = 0
        var endedJobs = 0
        var returning: [Plan] = []
        for plan in plans {
            if plan.kind != nil {
                returning.append(plan)
                continue
            }
            if plan.endsJob { endedJobs += 1 }
            if case .pause(let duration)? = plan.first {
                // It is out of the worker's way until then.
                pause(plan.keptAside(), for: duration)
            } else {
                done += 1
                plan.onEnd?()
            }
        }
        if endedJobs > 0 { onJobsEnded(endedJobs) }
        if done > 0 {
            let drained = underWay.withLockedValue { state in
                state.count -= done
                guard state.count == 0 else { return nil as Gate? }
                defer { state.drained = nil }
                return state.drained
            }
            drained?.open()
        }
        if !returning.isEmpty { forward(returning) }
    }

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

    // MARK: Publishing, storing, counting

    // Each does the first effects of all plans in one round trip, and returns for each plan what is done next, or nothing
    // at all.

    private func publish(_ plans: inout [Plan]) async throws -> [[Effect]] {
        let messages = plans.map(\.messages)
        do {
            try await interpreter.publish(Array(messages.joined()))
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

    private func store(_ plans: [Plan]) async throws -> [[Effect]] {
        try await interpreter.store(
            plans.compactMap { plan in if case .store(let record)? = plan.first { record } else { nil } })
        return []
    }

    private func count(_ plans: [Plan]) async throws -> [[Effect]] {
        let completions = try await interpreter.perform(
            plans.compactMap { plan in if case .chord(let operation)? = plan.first { operation } else { nil } })
        return zip(plans, completions).map { plan, completion in
            completion.map { effects(of: $0, for: plan) } ?? []
        }
    }

    /// What follows when the part that a plan added completes its chord.
    private func effects(of completion: ChordCompletion, for plan: Plan) -> [Effect] {
        guard case .chord(.add(let part))? = plan.first else { return [] }
        // Another worker has the right to go on, and may have died with it: the part is added again after its time.
        if let rest = completion.heldFor { return [.pause(rest), .chord(.add(part.addedAgain()))] }
        guard let request = plan.request, let context = plan.context else { return [] }
        return dialect.effects(of: completion, of: part, for: request, in: context)
    }

    /// Does something for all plans at once; if that fails, for each alone, so that one which cannot be done does not
    /// hold up the others. While the other side is out of reach it is tried again: the messages stay claimed.
    ///
    /// - Parameters:
    ///   - what: what it does, for the log.
    ///   - fault: the fault of a message for which it is refused time and again.
    ///   - instead: what is done for that message's task then.
    ///   - action: does it. Where it does only a part, it leaves the rest to the plans.
    private func attempt(
        _ plans: [Plan], _ what: String, fault: String, _ instead: (Plan, any Error) -> [Effect],
        action: (inout [Plan]) async throws -> [[Effect]]
    ) async -> [Plan] {
        var plans = plans
        do {
            let next = try await action(&plans)
            for index in plans.indices {
                plans[index].advance(inserting: next.indices.contains(index) ? next[index] : [])
            }
            return plans
        } catch {
            logger.warning("could not \(what)", metadata: ["error": "\(error)", "tasks": "\(plans.count)"])
        }
        var done: [Plan] = []
        /// Found out of reach after the last call: the other plans do not wait for it once more each.
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
                            with: .park(MessageFault(reason: fault, detail: String(describing: error))),
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

    // MARK: Calling and settling

    private func call(_ plans: [Plan], by call: (ErrorCall, Plan) async -> Void) async -> [Plan] {
        for plan in plans {
            if case .call(let errorCall)? = plan.first { await call(errorCall, plan) }
        }
        return plans.map { $0.advanced() }
    }

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
    /// The lane of the effect whose turn it is; nil for a pause, and once nothing is left.
    fileprivate var kind: EffectPipeline.Kind? {
        switch first {
        case .publish?: .publish
        case .store?: .store
        case .chord?: .count
        case .call?: .call
        case .settle?: .settle
        case .pause?, nil: nil
        }
    }
}
