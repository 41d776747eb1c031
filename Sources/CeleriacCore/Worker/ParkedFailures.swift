import Logging

/// Tells callers of parked messages that their tasks have failed, if no worker could, beside a worker.
///
/// A message that is parked while the result store is out of reach is marked as one whose failure is not stored. The
/// worker that parks it stores the failure once the store is back. If its process ends before, the next worker of the
/// queue finds the message here when it begins. Either notes at the broker that it is done. Where the failure is stored
/// but not noted, an error callback may have ended the process: the note is then made before it is called again.
///
/// A broker may park by itself what no worker ever gets, as Machinery's Redis does with delayed tasks that cannot be moved. Their
/// failures are stored from here, soon after.
struct ParkedFailures: Sendable {
    /// How many parked messages of a queue a look goes through at most, the oldest first.
    static let mostLookedAt = 10_000
    /// How many callers are told after one look.
    static let mostTold = 500

    let broker: any MessageBroker
    let store: (any ResultStore)?
    let dialect: any Dialect
    let ledger: Ledger
    let news: ParkingNews
    let timers: any TimerSource
    let logger: Logger
    /// The queues that the worker serves.
    let queues: @Sendable () -> [String]

    /// Looks when the worker begins, and whenever this worker has told somebody late, until the worker stops.
    func run(until stopping: Gate) async {
        // A store that keeps no results cannot say what callers know, and those who waited for a reply are gone.
        guard let store, !store.deliversOnce, !store.fetchingRemoves,
            let keeper = broker.unwrapped as? any ParkedMessageKeeper
        else { return }
        let stopped = stopping.onOpen { news.told.stop() }
        defer { stopping.forget(stopped) }
        let further = keeper.furtherParkingQueues
        var backoff = Backoff()
        var isFirst = true
        /// Whether only the broker may have parked something since the last look.
        var looksAtFurther = false
        var hasFailed = false
        while !stopping.isOpen {
            do {
                var isDone = true
                let toldLate = news.done
                let looked = looksAtFurther ? further : queues() + further
                let hasSome =
                    isFirst
                    ? try await stopping.unlessOpen { try await hasUntold(in: looked, at: keeper) } ?? false : false
                if hasSome {
                    // Workers that begin together should not all tell the same callers.
                    await stopping.wait(atMost: .milliseconds(Int.random(in: 0...1500)), timers: timers)
                }
                for queue in looked where !stopping.isOpen {
                    if try await !catchUp(queue, by: keeper, store, until: stopping) { isDone = false }
                }
                news.forgetDone(toldLate)
                backoff.reset()
                hasFailed = false
                if !isDone { continue }
                // Somebody else may have looked at the same time: RabbitMQ shows a message to one alone.
                isFirst = false
                if hasSome {
                    await news.told.wait(upTo: .seconds(60), by: timers)
                    continue
                }
                // Then all that were told late are noted after one look.
                repeat {
                    if further.isEmpty {
                        await news.told.wait()
                    } else {
                        await news.told.wait(upTo: .seconds(60), by: timers)
                    }
                    looksAtFurther = !further.isEmpty && news.done.isEmpty && !news.hasUnderWay
                } while !stopping.isOpen && !looksAtFurther && (news.hasUnderWay || news.done.isEmpty)
            } catch {
                // An outage is told once.
                logger.log(
                    level: hasFailed ? .debug : .info,
                    "could not look for parked messages whose failures are not stored, trying again",
                    metadata: ["error": "\(error)"])
                hasFailed = true
                await stopping.wait(atMost: backoff.next(), timers: timers)
            }
        }
    }

    /// Tells the callers of one queue's messages.
    ///
    /// - Returns: whether none is left that this worker should tell.
    private func catchUp(
        _ queue: String, by keeper: any ParkedMessageKeeper, _ store: any ResultStore, until stopping: Gate
    ) async throws -> Bool {
        guard let untold = try await stopping.unlessOpen({ try await self.untold(in: queue, at: keeper) }) else {
            return true
        }
        if untold.isEmpty { return true }
        let ids = untold.compactMap(\.taskID)
        // While the store is out of reach there is nothing to do, and the messages are not looked at again and again.
        guard
            let (hasWaited, before) = try await stopping.unlessOpen({
                try await waitFor(store, ids, until: stopping)
            })
        else { return true }
        // Meanwhile somebody may have put messages back.
        if hasWaited { return false }
        var told: [ParkedMessage] = []
        var toldHere = news.done
        let answered = Set(zip(ids, before).filter { isOutcome($1) }.map(\.0))
        let noted = untold.filter { message in
            guard let id = message.taskID, answered.contains(id), !toldHere.contains(id) else { return false }
            return ledger.calls(of: message)
        }
        if !noted.isEmpty {
            guard try await stopping.unlessOpen({ try await keeper.markTold(noted.map(\.id), in: queue) }) != nil
            else { return true }
        }
        let notedIDs = Set(noted.map(\.id))
        for message in untold {
            guard let id = message.taskID else { continue }
            // Two messages of one task have one caller.
            if toldHere.contains(id) || ledger.tell(of: message) {
                toldHere.insert(id)
                if !notedIDs.contains(message.id) { told.append(message) }
            }
        }
        for message in told {
            while let id = message.taskID, news.isUnderWay(id), !stopping.isOpen {
                await news.told.wait()
            }
        }
        if stopping.isOpen || told.isEmpty { return noted.count < Self.mostTold }
        let toldIDs = told.map { $0.taskID ?? "" }
        guard let stored = try await stopping.unlessOpen({ try await store.fetch(toldIDs) }) else { return true }
        let known = zip(told, stored).filter { isOutcome($1) }.map(\.0)
        if !known.isEmpty {
            _ = try await stopping.unlessOpen { try await keeper.markTold(known.map(\.id), in: queue) }
            logger.notice(
                "stored that tasks have failed whose messages were parked while the result store was out of reach",
                metadata: ["queue": "\(queue)", "messages": "\(known.count)"])
        }
        news.forgetDone(ids)
        return untold.count < Self.mostTold || known.isEmpty
    }

    /// Whether there is anybody to tell.
    private func hasUntold(in queues: [String], at keeper: any ParkedMessageKeeper) async throws -> Bool {
        for queue in queues where try await !untold(in: queue, at: keeper).isEmpty { return true }
        return false
    }

    /// The parked messages whose callers nobody has told, and nobody in this worker is about to tell.
    private func untold(in queue: String, at keeper: any ParkedMessageKeeper) async throws -> [ParkedMessage] {
        var untold: [ParkedMessage] = []
        var seen = 0
        try await keeper.walkParkedOrPage(in: queue) { page in
            for message in page where message.failureIsStored == false && untold.count < Self.mostTold {
                let message = message.naming(by: dialect, in: queue)
                if let id = message.taskID, !news.isUnderWay(id) { untold.append(message) }
            }
            seen += page.count
            return seen < Self.mostLookedAt && untold.count < Self.mostTold
        }
        // RabbitMQ hid them from ParkingBounds while this looked at them, so that has to look again.
        if seen > 0 { news.parked.wake() }
        return untold
    }

    /// Waits until the store answers.
    ///
    /// - Returns: whether it did not answer at first, and what it has of the tasks.
    private func waitFor(
        _ store: any ResultStore, _ ids: [String], until stopping: Gate
    ) async throws -> (hasWaited: Bool, stored: [[UInt8]?]) {
        var backoff = Backoff()
        var hasWaited = false
        while !stopping.isOpen {
            do {
                return (hasWaited, try await store.fetch(ids))
            } catch let error as CeleriacError where error.code == .unavailable {
                hasWaited = true
                await stopping.wait(atMost: backoff.next(), timers: timers)
            }
        }
        return (hasWaited, [])
    }

    private func isOutcome(_ payload: [UInt8]?) -> Bool {
        payload.flatMap { try? dialect.result(from: $0) }?.state.isFinal ?? false
    }
}
