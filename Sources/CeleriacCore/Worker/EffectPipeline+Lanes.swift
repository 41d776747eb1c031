import Logging

// What each lane does with the plans that wait in it.
extension EffectPipeline {
    /// Carries out the first effects of plans that wait in a lane.
    ///
    /// - Returns: the plans, moved on.
    func carryOut(
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
