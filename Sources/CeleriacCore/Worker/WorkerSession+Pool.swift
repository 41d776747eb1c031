import Logging
import NIOConcurrencyHelpers

extension WorkerSession {
    /// How many handlers run at once now.
    var concurrency: Int { poolSize.withLockedValue { $0 } }

    /// How many messages the worker holds at most now, beside those that wait for their time.
    var window: Int { concurrency * worker.configuration.prefetchMultiplier }

    /// Changes how many handlers run at once. Those that run go on: the worker shrinks as they end.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for a number that cannot be.
    func resize(by change: Int) async throws {
        let resized = poolSize.withLockedValue { size in
            let (new, overflows) = size.addingReportingOverflow(change)
            guard !overflows, WorkerConfiguration.concurrencies.contains(new) else { return false }
            size = new
            if change > 0 {
                blockingPool?.grow(to: new)
                slotPool.add(change - jobs.keepSlots(change))
            } else {
                jobs.dismissSlots(-change)
            }
            capacity.resize(to: new * worker.configuration.prefetchMultiplier)
            return true
        }
        guard resized else {
            throw CeleriacError(
                .configuration, "the concurrency must be 1 to \(WorkerConfiguration.concurrencies.upperBound)")
        }
        logger.info("the worker's concurrency is changed", metadata: ["concurrency": "\(concurrency)"])
        try await tellHeld()
    }

    /// Tells the broker how many messages the worker may hold beside those it asked for at its start.
    func tellHeld() async throws {
        let beside = shelf.count + window - worker.configuration.window
        let isNew = toldHeld.withLockedValue { told in
            defer { told = beside }
            return told != beside
        }
        if isNew { try await consumer.hold(beside) }
    }
}
