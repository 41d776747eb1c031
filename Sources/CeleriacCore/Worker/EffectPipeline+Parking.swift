import Logging

/// How the pipeline parks messages whose callers are to be told that their tasks have failed.
///
/// It tells them while the worker still holds the message. If the process ends before the message is parked, the message
/// comes back, and ends the same way. A store that is out of reach is overtaken: the message is parked, with the note
/// that its failure is not stored, and the caller is told later, as long as this worker lives.
extension EffectPipeline {
    /// Takes up plans that park messages and tell somebody.
    ///
    /// - Parameter plans: the plans. Parking is the first effect of each, and others follow.
    /// - Returns: the plans: those that are to tell before they park, and those that are done with their messages.
    func park(_ plans: [Plan]) async -> [Plan] {
        if plans.isEmpty { return [] }
        var left: [Plan] = []
        var overtaking = plans.filter(\.overtakesStore)
        let others = plans.filter { !$0.overtakesStore }
        for (plan, canPark) in zip(others, await canPark(others.compactMap(\.receipt))) {
            if canPark { left.append(plan.tellingFirst()) } else { overtaking.append(plan.overtakingStore()) }
        }
        for plan in overtaking { left.append(await parkAtOnce(plan)) }
        return left
    }

    private func canPark(_ receipts: [Receipt]) async -> [Bool] {
        if receipts.isEmpty { return [] }
        if let consumer = consumer as? any ParkingConsumer { return await consumer.canPark(receipts) }
        var canPark: [Bool] = []
        for receipt in receipts {
            let isLost = if consumer.isHeld(receipt) { await consumer.hasLost(receipt) } else { true }
            canPark.append(!isLost)
        }
        return canPark
    }

    /// Parks a message, and leaves to another plan what follows. Nothing follows if the message was not parked or not
    /// this worker's: it is delivered again, and parked then.
    private func parkAtOnce(_ plan: Plan) async -> Plan {
        guard let receipt = plan.receipt, case .settle(.park(let fault))? = plan.first else { return plan.ended() }
        var isParked = false
        do {
            if let consumer = consumer as? any ParkingConsumer {
                isParked = try await consumer.park(receipt, for: fault)
            } else if consumer.isHeld(receipt) {
                try await consumer.settle([Settlement(receipt, .park(fault))])
                isParked = true
            }
        } catch {
            if let waiting = parkingLater(plan) {
                logger.warning(
                    "could not park messages yet", metadata: ["task-id": "\(plan.taskID)", "error": "\(error)"])
                return waiting
            }
            logger.error(
                "could not park a message: it will be delivered again",
                metadata: ["task-id": "\(plan.taskID)", "error": "\(error)"])
        }
        guard isParked else { return plan.ended() }
        noteParked([plan])
        // Past a bound, those that wait for the store take places in the window: the worker then takes fewer messages.
        let isAside = keepAside()
        submit(plan.afterParking(isAside: isAside))
        return isAside ? plan.ended() : plan.ended().keptAside()
    }

    /// Notes that the messages which these plans park next are parked.
    func noteParked(_ plans: [Plan]) {
        if plans.isEmpty { return }
        for plan in plans {
            logger.error("message parked", metadata: plan.parkedMessage ?? [:])
            if let metrics, let (queue, reason) = plan.parkedOrigin { metrics.parked(from: queue, reason: reason) }
        }
        parkingNews.parked.wake()
    }

    /// Stores the failures of messages that are to be parked next, and counts their parts of chords. It waits for
    /// nothing.
    func tell(_ plans: [Plan], instead: (Plan, any Error) -> [Effect]) async -> [Plan] {
        let storing = plans.filter { if case .store? = $0.first { true } else { false } }
        let counting = plans.filter { if case .chord? = $0.first { true } else { false } }
        var left: [Plan] = []
        if !storing.isEmpty { left += await store(storing, instead) }
        if !counting.isEmpty { left += await count(counting, instead) }
        return left
    }
}
