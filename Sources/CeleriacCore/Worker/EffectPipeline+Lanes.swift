import Logging

import struct FoundationEssentials.Date

// How each lane carries out the effects of the plans that wait in it.
extension EffectPipeline {
    /// Carries out the first effects of plans that wait in a lane.
    ///
    /// - Parameters:
    ///   - kind: what the lane does.
    ///   - plans: the plans; the first effect of each is of that kind.
    ///   - instead: the effects that replace those of a plan that are refused again and again.
    ///   - call: calls an error callback.
    /// - Returns: the plans, each advanced to its next effect.
    func carryOut(
        _ kind: Kind, _ plans: [Plan], instead: (Plan, any Error) -> [Effect], call: (ErrorCall, Plan) async -> Void
    ) async -> [Plan] {
        switch kind {
        case .publish:
            await attempt(plans, "publish", fault: "followUpNotPublished", instead) { try await publish(&$0) }
        case .store: await store(plans, instead)
        case .count: await count(plans, instead)
        case .tell: await tell(plans, instead: instead)
        case .call: await self.call(plans, by: call)
        case .settle: await settle(plans)
        case .giveBack: await giveBack(plans)
        }
    }

    // MARK: Publishing, storing, counting

    func store(_ plans: [Plan], _ instead: (Plan, any Error) -> [Effect]) async -> [Plan] {
        await attempt(plans, "store results", fault: "resultNotStored", atStore: true, instead) { try await store(&$0) }
    }

    func count(_ plans: [Plan], _ instead: (Plan, any Error) -> [Effect]) async -> [Plan] {
        await attempt(plans, "go on with chords", fault: "chordNotCounted", atStore: true, instead) {
            try await count($0)
        }
    }

    // Each of these functions carries out the first effects of all plans in one round trip. It returns for each plan
    // the effects to insert next, or an empty array if there are none for any plan.

    private func publish(_ plans: inout [Plan]) async throws -> [[Effect]] {
        let messages = plans.map(\.messages)
        do {
            try await interpreter.publish(Array(messages.joined()))
        } catch let error as PartialPublishError {
            // Do not publish again what the broker has taken.
            var index = 0
            for (place, messages) in messages.enumerated() {
                plans[place].leave(messages.enumerated().filter { error.names(index + $0.offset) }.map(\.element))
                index += messages.count
            }
            throw error
        }
        return []
    }

    private func store(_ plans: inout [Plan]) async throws -> [[Effect]] {
        let hasRead = plans.contains(where: \.mayBeAnswered) ? try await leaveAnswered(&plans) : false
        let records = plans.compactMap(\.recordToStore)
        if !records.isEmpty {
            try await asking(plans, .store, outcomes: plans.count { $0.isOutcome }) { [interpreter] in
                try await interpreter.store(records)
            }
        } else if hasRead {
            // What was read says that there is nothing to write, so nothing else would tell that the store is back.
            watch?.wasAnswered()
        }
        return []
    }

    /// Makes a call that really asks the result store, watched. What is told before a message is parked is not tried
    /// again: the message is parked if the store is out of reach.
    private func asking<Value: Sendable>(
        _ plans: [Plan], _ asker: ResultStoreWatch.Asker, outcomes: Int = 0, writes: Bool = true,
        _ call: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        if plans.first?.tellsFirst == true { return try await askingInTime(writes: writes, call) }
        guard let watch else { return try await call() }
        return try await watch.watching(
            asker, since: plans.lazy.compactMap(\.askedSince).min(), outcomes: outcomes, writes: writes, call)
    }

    /// Makes a call for messages that are to be parked after it, and lets it go when it has taken as long as an outage needs
    /// to be one. Whoever tells the callers after their messages are parked goes on with the same clock.
    private func askingInTime<Value: Sendable>(
        writes: Bool, _ call: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        // Somebody asks the store again and again, and will hear that it is back.
        if watch?.isOut == true { throw CeleriacError(.unavailable, "the result store is out of reach") }
        let isOver = Gate()
        let timer = timers.schedule(after: .seconds(StoreReach.patience)) { isOver.open() }
        defer { timer.cancel() }
        let value: Value? = try await isOver.wait(forWorkOn: nil) { [watch] in
            guard let watch else { return try await call() }
            return try await watch.watching(nil, writes: writes, call)
        }
        guard let value else { throw CeleriacError(.unavailable, "the result store does not answer") }
        return value
    }

    /// Has the plans of parked messages whose tasks have an outcome go on from that, which is never overwritten.
    /// If it is the very failure that is to be stored, the message has come back after it was: all is done once more.
    ///
    /// - Returns: whether the store was asked.
    private func leaveAnswered(_ plans: inout [Plan]) async throws -> Bool {
        guard let store = interpreter.store, !store.deliversOnce, !store.fetchingRemoves else { return false }
        let asked = plans.indices.filter { plans[$0].mayBeAnswered }
        let ids = asked.map { plans[$0].taskID }
        let states = try await asking(plans, .store, writes: false) { try await store.fetch(ids) }
        for (index, stored) in zip(asked, states) {
            let result = stored.flatMap { try? dialect.result(from: $0) }
            var isOurs = false
            if let error = result?.error, case .store(let record)? = plans[index].first {
                isOurs = (try? dialect.result(from: record.payload))?.error == error
            }
            plans[index].note(answered: isOurs ? nil : result.flatMap { rest(of: plans[index], after: $0) })
        }
        return true
    }

    /// What may be left to do of the outcome of a parked message's task; nil if the task has not ended.
    ///
    /// Effects are carried out in order. So whoever stored the outcome had done what comes before it, with Celery the
    /// next step of the chain, but may have died before it did what comes after it: without the part of a chord, its
    /// body would wait for ever. Stores that keep results count a part once, however often it is added. Error
    /// callbacks, and with Machinery the tasks that follow, may be sent a second time, as after any crash: they are not
    /// lost.
    private func rest(of plan: Plan, after result: TaskResult) -> [Effect]? {
        guard let outcome = Outcome(result) else { return nil }
        guard var request = plan.request, let context = plan.context else { return [] }
        // A task that has failed for good is not tried again.
        request.refusal = result.error?.failure
        let effects = (try? dialect.effects(of: outcome, for: request, in: context)) ?? []
        return effects.parted(atStateOf: plan.taskID).after.filter { if case .settle = $0 { false } else { true } }
    }

    private func count(_ plans: [Plan]) async throws -> [[Effect]] {
        // A store that counts no chords is not asked.
        guard interpreter.store?.countsChords == true else { return [] }
        let operations = plans.compactMap { plan -> ChordOperation? in
            guard case .chord(let operation)? = plan.first else { return nil }
            guard case .add(var part) = operation else { return operation }
            part.mayBeAdded = plan.mayBeAnswered
            let hasComeBack = plan.job?.isRedelivered ?? plan.request?.redelivered ?? false
            return .add(hasComeBack ? part.cameBack() : part)
        }
        let completions = try await asking(plans, .count) { [interpreter] in try await interpreter.perform(operations) }
        return zip(plans, completions).map { plan, completion in
            completion.map { effects(of: $0, for: plan) } ?? []
        }
    }

    /// The effects that follow when the part that a plan added completes its chord.
    private func effects(of completion: ChordCompletion, for plan: Plan) -> [Effect] {
        guard case .chord(.add(let part))? = plan.first else { return [] }
        // Another worker has the right to publish the body, and may have died: add the part again after that right
        // expires.
        if let rest = completion.heldFor { return [.pause(rest), .chord(.add(part.addedAgain()))] }
        guard let request = plan.request, let context = plan.context else { return [] }
        return dialect.effects(of: completion, of: part, for: request, in: context)
    }

    /// Carries out an action for all plans at once; if that fails, for each plan alone, so that one refused plan does
    /// not hold up the others. While the other side is out of reach it tries again, and the messages stay claimed.
    ///
    /// - Parameters:
    ///   - plans: the plans.
    ///   - what: what the action does, for the log.
    ///   - fault: the fault of a message whose action is refused again and again.
    ///   - atStore: whether the action asks the result store, of whose outages ``watch`` tells.
    ///   - instead: the effects for that message's task in place of its own.
    ///   - action: carries out the first effects of the plans. If it carries out only a part, it leaves the rest in the
    ///     plans.
    /// - Returns: the plans, each advanced to its next effect.
    private func attempt(
        _ plans: [Plan], _ what: String, fault: String, atStore: Bool = false,
        _ instead: (Plan, any Error) -> [Effect],
        action: (inout [Plan]) async throws -> [[Effect]]
    ) async -> [Plan] {
        var plans = plans
        let begin = plans.first?.tellsFirst == true ? timers.now : nil
        do {
            let next = try await action(&plans)
            for index in plans.indices {
                plans[index].advance(inserting: next.indices.contains(index) ? next[index] : [])
            }
            return plans
        } catch {
            let isOutOfReach = mayPass(error, atStore: atStore)
            // The watch tells of outages. Of a store that refuses a part of what it is asked it may hear nothing.
            let isTold = atStore && watch != nil && mayPass(error, atStore: false)
            logger.log(
                level: isTold ? .debug : .warning, "could not \(what)",
                metadata: ["error": "\(error)", "tasks": "\(plans.count)"])
            if isOutOfReach, plans.allSatisfy(\.tellsFirst) {
                return plans.map { withoutStore($0, since: begin) }
            }
        }
        var done: [Plan] = []
        /// Why the other side was out of reach after the last call: the remaining plans are then given back untried.
        var obstacle: (any Error)?
        for var plan in plans {
            // What waits for the store keeps its place in the window: it must not wait much longer than the outage.
            var backoff = atStore ? Backoff(maximum: .seconds(5)) : Backoff()
            var refusals = 0
            while true {
                if let obstacle {
                    var failing: [Effect] = []
                    if let receipt = plan.receipt {
                        if plan.isOutcome { noteReturned([receipt]) }
                    } else {
                        logger.error(
                            "could not \(what) before the worker stops, and the message is settled",
                            metadata: ["task-id": "\(plan.taskID)", "error": "\(obstacle)"])
                        // Nobody runs a task again that was acknowledged early. Its callers must not wait for it, as far as
                        // the store can tell them.
                        if !atStore, !plan.isOfParked { failing = instead(plan, obstacle) }
                    }
                    plan.replaceRest(with: .requeue, after: failing)
                    break
                }
                var alone = [plan]
                do {
                    let next = try await action(&alone)
                    plan.advance(inserting: next.first ?? [])
                    break
                } catch {
                    plan = alone.first ?? plan
                    let isOutOfReach = mayPass(error, atStore: atStore)
                    if isOutOfReach, plan.tellsFirst {
                        plan = withoutStore(plan, since: begin)
                        break
                    }
                    if !isOutOfReach { refusals += 1 }
                    if lastCall.isOpen, isOutOfReach {
                        obstacle = error
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
                    let pause = backoff.next()
                    await lastCall.wait(
                        atMost: atStore && isOutOfReach ? watch?.cut(pause) ?? pause : pause, timers: timers)
                }
            }
            done.append(plan)
        }
        return done
    }

    private func mayPass(_ error: any Error, atStore: Bool) -> Bool {
        guard let error = error as? CeleriacError else { return false }
        return atStore ? error.mayPassAtStore : error.mayPass
    }

    /// Returns a plan that was to tell somebody, and cannot: it parks its message all the same, unless the worker stops
    /// and could not tell later. Another worker then gets the message.
    private func withoutStore(_ plan: Plan, since begin: Date?) -> Plan {
        if !lastCall.isOpen { return plan.overtakingStore(askedSince: begin) }
        var plan = plan
        plan.replaceRest(with: .requeue)
        return plan
    }

    // MARK: Calling and settling

    private func call(_ plans: [Plan], by call: (ErrorCall, Plan) async -> Void) async -> [Plan] {
        var called: [Plan] = []
        for plan in plans where !plan.tellsFirst {
            if case .call(let errorCall)? = plan.first { await call(errorCall, plan) }
            called.append(plan.advanced())
        }
        for plan in plans where plan.tellsFirst { called.append(await self.call(beforeParking: plan, by: call)) }
        return called
    }

    /// Calls an error callback while the worker holds the message that is to be parked, so that a process that ends
    /// meanwhile leaves the call to the next one. What is called may be what ends it: that is counted, and what has come
    /// back too often is parked before.
    private func call(beforeParking plan: Plan, by call: (ErrorCall, Plan) async -> Void) async -> Plan {
        guard case .call(let errorCall)? = plan.first else { return plan.advanced() }
        if plan.calls == .afterParking { return plan.overtakingStore() }
        if plan.calls == .counted, let receipt = plan.receipt {
            do {
                try await consumer.markBegun([receipt])
            } catch {
                logger.debug(
                    "could not count the call of an error callback: the message is parked before",
                    metadata: ["task-id": "\(plan.taskID)", "error": "\(error)"])
                return plan.overtakingStore()
            }
            guard consumer.isHeld(receipt) else {
                // It is delivered again, counted, or a stop has given it back.
                var plan = plan
                plan.replaceRest(with: .requeue)
                return plan
            }
        }
        await call(errorCall, plan)
        return plan.calling(.held).advanced()
    }

    private func settle(_ plans: [Plan]) async -> [Plan] {
        guard plans.contains(where: \.parksAndTells) else { return await settleAll(plans) }
        // Parking waits for more of the broker than acknowledgements do.
        let others = plans.filter { !$0.parksAndTells }
        let settled = others.isEmpty ? [] : await settleAll(others)
        return await settled + park(plans.filter(\.parksAndTells))
    }

    private func settleAll(_ plans: [Plan]) async -> [Plan] {
        var parking: [Plan] = []
        let settlements = plans.compactMap { plan -> Settlement? in
            guard case .settle(let disposition)? = plan.first else { return nil }
            let receipt = plan.job?.settle(as: disposition, isHeld: { consumer.isHeld($0) }) ?? plan.receipt
            if case .park = disposition, let receipt, consumer.isHeld(receipt) { parking.append(plan) }
            return receipt.map { Settlement($0, disposition) }
        }
        do {
            try await consumer.settle(settlements)
            noteParked(parking)
            answerAgain(held.settled(plans, hasReached: true, tooLate: claiming?.settledTooLate ?? []))
            return plans.map { $0.ended() }
        } catch {
            let waiting = plans.map(parkingLater)
            let given = zip(plans, waiting).filter { $1 == nil }.map(\.0)
            if given.count < plans.count {
                logger.warning(
                    "could not park messages yet",
                    metadata: ["error": "\(error)", "messages": "\(plans.count - given.count)"])
            }
            if !given.isEmpty {
                // The consumer gives up: its broker takes them back, or keeps them claimed until they time out.
                logger.error(
                    "could not settle messages: they will be delivered again",
                    metadata: ["error": "\(error)", "messages": "\(given.count)"])
                answerAgain(held.settled(given, hasReached: false))
            }
            return given.map { $0.ended() } + waiting.compactMap { $0 }
        }
    }

    /// Returns a plan that could not park its message, with a pause before it does so again; nil if the message is not
    /// the worker's any more, or if the worker stops.
    func parkingLater(_ plan: Plan) -> Plan? {
        guard case .settle(.park)? = plan.first, let effect = plan.first, let receipt = plan.receipt,
            !lastCall.isOpen, consumer is any ParkingConsumer, consumer.isHeld(receipt)
        else { return nil }
        return plan.advanced(inserting: [.pause(.seconds(2)), effect])
    }

    /// Gives messages back. It tries again until it succeeds, because nobody else does while this worker holds them.
    private func giveBack(_ plans: [Plan]) async -> [Plan] {
        let last = plans.filter { $0.first == .giveBack(toEnd: true) }
        guard !last.isEmpty, let yielding = consumer as? any YieldingConsumer else {
            return await giveBack(plans) { try await consumer.giveBack($0) }
        }
        let first = plans.filter { $0.first != .giveBack(toEnd: true) }
        return await giveBack(first) { try await consumer.giveBack($0) }
            + giveBack(last) { try await yielding.giveBackToEnd($0) }
    }

    private func giveBack(_ plans: [Plan], by action: ([Receipt]) async throws -> Void) async -> [Plan] {
        guard let effect = plans.first?.first else { return [] }
        do {
            try await action(plans.compactMap(\.receipt))
        } catch {
            logger.warning(
                "could not give messages back yet", metadata: ["error": "\(error)", "messages": "\(plans.count)"])
            // After the last call, the consumer does it when it closes.
            if !lastCall.isOpen { return plans.map { $0.advanced(inserting: [.pause(.seconds(2)), effect]) } }
        }
        return plans.map { $0.advanced() }
    }
}
