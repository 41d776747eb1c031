public import CeleriacWire

public import struct FoundationEssentials.Date

/// A running worker as remote control sees it: what it is doing, and what it can be told.
public struct WorkerControl: Sendable {
    let session: WorkerSession

    // MARK: What it is

    /// The worker's node name, `name@host`.
    public var nodeName: String { session.worker.configuration.nodeName }
    /// When it began to consume.
    public var startTime: Date { session.startTime }
    /// The time by the worker's clock.
    public var now: Date { session.worker.timers.now }
    /// How many handlers run at once now.
    public var concurrency: Int { session.concurrency }
    /// How many messages it holds at most for each handler.
    public var prefetchMultiplier: Int { session.worker.configuration.prefetchMultiplier }
    /// How many messages it may hold now: its window, and those beside it that wait for their time.
    public var prefetchCount: Int { session.prefetchCount }
    /// The queues that it serves.
    public var queues: [String] { session.queues }
    /// Its broker, without credentials.
    public var brokerName: String { session.worker.broker.name }
    /// Where its results are stored, without credentials; nil if nowhere.
    public var resultStoreName: String? { session.worker.store?.name }

    package var broker: any Broker { session.worker.broker }
    package var resultStore: (any ResultStore)? { session.worker.store }
    package var dialect: any Dialect { session.worker.dialect }
    package var timers: any TimerSource { session.worker.timers }
    package var resultExpiry: Duration? { session.worker.configuration.resultExpiry }

    // MARK: What it does

    /// The tasks that it holds.
    public var jobs: [JobSnapshot] { session.snapshots() }
    /// How many handlers run now.
    public var activeCount: Int { session.activeCount }
    /// The names of the tasks that it serves, sorted.
    public var taskNames: [String] { session.registrations.keys.sorted() }
    /// How many handlers it has begun, by the name of their task; tasks that never ran are left out.
    public var runCounts: [String: Int] { session.registrations.mapValues(\.runCount).filter { $0.value > 0 } }
    /// How many handlers it has begun in all.
    public var runCount: Int { session.registrations.values.reduce(0) { $0 + $1.runCount } }

    /// The options of a task as they are now, its changed limits included; nil for one that it does not serve.
    public func options(of task: String) -> TaskOptions? {
        guard let registration = session.registrations[task] else { return nil }
        var options = registration.handler.options
        options.timeLimits = registration.timeLimits
        options.rateLimit = registration.rateLimit
        return options
    }

    // MARK: What it can be told

    /// The ids of the tasks that it will not run, the oldest first. At most 50,000 are kept, each for three hours.
    public var revokedIDs: [String] { session.revokedTasks.ids(now: now) }

    /// Withdraws tasks: those that wait here end as revoked now, others when they come. Running ones go on.
    public func revoke(_ ids: [String]) { session.revoke(ids) }

    /// Withdraws tasks that carry a stamp of this name with one of these values. Running ones go on.
    public func revoke(stamp name: String, values: [WireValue]) { session.revoke(stamp: name, values: values) }

    /// Ends running tasks: they count as revoked at once, and their handlers are cancelled.
    ///
    /// - Parameter signal: the number of the signal that was asked for, which is passed on in events.
    /// - Returns: the ids of those that were running.
    @discardableResult
    public func terminate(_ ids: [String], signal: Int32) -> [String] { session.terminate(ids, signal: signal) }

    /// Changes a task's rate limit, nil for none.
    ///
    /// - Returns: false if it does not serve the task.
    public func setRateLimit(_ limit: RateLimit?, of task: String) -> Bool {
        session.setRateLimit(limit, of: task)
    }

    /// Changes a task's time limits for runs whose sender asks for none.
    ///
    /// - Returns: false if it does not serve the task.
    public func setTimeLimits(_ limits: TimeLimits, of task: String) -> Bool {
        guard let registration = session.registrations[task] else { return false }
        registration.timeLimits = limits
        return true
    }

    /// Changes how many handlers run at once: more for a positive number, fewer for a negative one. Those that run go on.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for less than one or more than 65,535 in all.
    public func resize(by change: Int) async throws { try await session.resize(by: change) }

    /// Serves one more queue, which is made if it does not exist.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot do it.
    public func addQueue(_ queue: String) async throws { try await session.addQueue(queue) }

    /// Serves a queue no more. What was taken from it is still run.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot do it.
    public func removeQueue(_ queue: String) async throws { try await session.removeQueue(queue) }

    /// Begins a graceful stop.
    public func stop() { session.worker.stop() }
}
