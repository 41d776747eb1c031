import Logging
import NIOConcurrencyHelpers

/// How a session stops: it gives back what has not begun, and ends what runs.
extension WorkerSession {
    func stop(consumerStopped: Gate, allIdle: Gate) async {
        let before = noteStop()
        pool.slots.close()
        let kept = waiting.kept.close()
        let ready = pool.jobs.close()
        postponing.close()
        let (limited, scheduled) = waiting.close()
        logger.info(
            "worker is stopping",
            metadata: [
                "running": "\(pool.activeCount)", "waiting": "\(ready.count + limited.count)",
                "eta": "\(scheduled.count + kept.count)",
            ])
        // Give back at once, so that other workers need not wait until the last handler here has ended, but not before
        // the consumer has stopped, or this worker might get the messages again.
        await consumerStopped.wait()
        await giveBack((ready + limited + scheduled).map(\.receipt) + kept)
        pipeline.giveBackAside()
        let unmoved = await postponing.unmoved()
        await giveBack(unmoved.map(\.receipt))
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                await self.isLate.wait()
                await self.giveBackUnstored()
            }
            await allIdle.wait()
            pipeline.stopRetrying()
            await pipeline.drain()
            isLate.open()
        }
        let waited = ready.count + limited.count + scheduled.count + kept.count + unmoved.count
        tellReturned()
        let count = waited + ledger.requeuedCount - before + pipeline.returnedCount
        if count > 0 { logger.info("messages have gone back to their queues", metadata: ["messages": "\(count)"]) }
    }

    /// Notes how many messages have gone back so far. Handlers may be cancelled before ``stop`` gets going.
    @discardableResult
    private func noteStop() -> Int {
        requeuedBefore.withLockedValue { before in
            let count = before ?? ledger.requeuedCount
            before = count
            return count
        }
    }

    /// Cancels the tasks of all handlers that still run, since the stop has taken most of its time.
    ///
    /// - Returns: whether any ran.
    func cancelHandlers() -> Bool {
        noteStop()
        let isAnyRunning = pool.activeCount > 0
        pool.slots.cancelEveryJob()
        isLate.open()
        return isAnyRunning
    }

    /// Whether something would be lost, or come back late, if nobody waited for the stop any longer. What a consumer loses with
    /// its connection the broker gives to others by itself.
    var hasWorkToEnd: Bool { pool.activeCount > 0 || pipeline.count > 0 || !(consumer is any LosingConsumer) }

    /// Gives back what waits for a store that does not answer. Otherwise it would come back only after this process has
    /// ended, on some transports long after.
    private func giveBackUnstored() async {
        guard worker.watch?.isOut == true else { return }
        let receipts = held.unsettled
        do {
            try await consumer.giveBack(receipts)
        } catch {
            // The consumer tries once more when it closes.
            return
        }
        pipeline.noteReturned(receipts)
        // The stop may be let go before it can tell.
        tellReturned()
    }

    /// Tells of tasks that have ended in vain.
    private func tellReturned() {
        let count = pipeline.newlyReturned()
        if count == 0 { return }
        logger.notice(
            "tasks have ended whose outcomes did not get through: their messages have gone back, and they run again",
            metadata: ["tasks": "\(count)"])
    }

    /// Logs what is left of a session for whose end nobody waits any longer.
    ///
    /// - Throws: why the consumer gave up, if that made the worker stop.
    func abandon() throws {
        (worker.broker.unwrapped as? any DoubtedServer)?.doubt()
        (worker.store as? any DoubtedServer)?.doubt()
        let isConcerned = hasWorkToEnd || !held.unsettled.isEmpty
        logger.log(
            level: isConcerned ? .error : .info,
            "the worker waits no longer for its stop to complete",
            metadata: [
                "running": "\(pool.activeCount)", "outcomes": "\(pipeline.count)",
                "messages": "\(consumer.unsettledDescription ?? "what is not settled comes back to other workers")",
            ])
        if let failure = failure.withLockedValue({ $0 }) { throw failure }
    }

    func close() async {
        do {
            try await consumer.close()
        } catch {
            logger.error("could not give messages back", metadata: ["error": "\(error)"])
        }
        pipeline.close()
        logger.info("worker has stopped")
    }

    func giveBack(_ receipts: [Receipt]) async {
        do {
            try await consumer.giveBack(receipts)
        } catch {
            logger.warning(
                "could not give messages back yet", metadata: ["error": "\(error)", "messages": "\(receipts.count)"])
        }
    }
}
