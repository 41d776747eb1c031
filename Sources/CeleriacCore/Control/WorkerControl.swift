public import CeleriacWire
import Logging
import NIOConcurrencyHelpers

public import struct FoundationEssentials.Date

/// A running worker as remote control sees it: what the worker is doing, and what it can be asked to do.
public struct WorkerControl: Sendable {
    private let worker: TaskWorker
    private let registrations: [String: TaskRegistration]
    private let consumer: any MessageConsumer
    let servedQueues: ServedQueues
    private let pool: WorkerPool
    private let waiting: WaitingRoom
    private let held: HeldTasks
    private let prefetch: PrefetchReport
    private let revocations: Revocations
    private let ledger: Ledger
    private let logger: Logger
    /// When the worker began to consume.
    public let startTime: Date

    init(
        worker: TaskWorker, queues: [TaskQueue], startTime: Date, registrations: [String: TaskRegistration],
        consumer: any MessageConsumer, pool: WorkerPool, waiting: WaitingRoom, held: HeldTasks,
        prefetch: PrefetchReport, revocations: Revocations, ledger: Ledger, logger: Logger
    ) {
        self.worker = worker
        self.startTime = startTime
        self.registrations = registrations
        self.consumer = consumer
        self.servedQueues = ServedQueues(queues, consumer: consumer)
        self.pool = pool
        self.waiting = waiting
        self.held = held
        self.prefetch = prefetch
        self.revocations = revocations
        self.ledger = ledger
        self.logger = logger
    }

    // MARK: Properties

    /// The worker's node name, `name@host`.
    public var nodeName: String { worker.nodeName }
    /// The time by the worker's clock.
    public var now: Date { worker.timers.now }
    /// Where the worker takes its timers from.
    package var timers: any TimerSource { worker.timers }
    /// How many handlers may run at once now.
    public var concurrency: Int { pool.concurrency }
    /// How many messages the worker holds at most for each handler.
    public var prefetchMultiplier: Int { worker.configuration.messagesPerHandler }
    /// How many messages the worker may hold now: its window, plus the messages whose tasks wait for their time.
    public var prefetchCount: Int { prefetch.count }
    /// The names of the queues that the worker serves.
    public var queues: [String] { servedQueues.names }
    /// The broker's name, without credentials.
    public var brokerName: String { worker.broker.name }
    /// The name of the store where results are kept, without credentials; nil for a worker without one.
    public var resultStoreName: String? { worker.store?.name }

    /// How long the result store has been out of reach; nil while it is not.
    public var resultStoreOutage: Duration? { worker.resultStoreOutage }

    /// Why the worker takes no tasks; empty if it takes some. It asks the broker and the result store whether they answer, which
    /// takes half a second at most, since whoever asks waits for an answer.
    package func reasonsNotReady() async -> [String] {
        await worker.health.reasonsNotReady(within: .milliseconds(500), timers: timers)
    }

    // MARK: Tasks

    /// Waits until the worker holds what was sent before this call, as far as it has room: its queues and remote
    /// control have a connection each, and a command may overtake the message of a task. It waits for half a second at
    /// most, since whoever asks waits for one.
    package func catchUp() async {
        guard pool.capacity.hasRoom else { return }
        await withTaskGroup { group in
            group.addTask { await consumer.catchUp() }
            group.addTask { try? await worker.timers.sleep(for: .milliseconds(500)) }
            _ = await group.next()
            group.cancelAll()
        }
    }

    /// The tasks that the worker holds with their messages. Those that wait for their time while the broker keeps their
    /// messages are not among them.
    package var jobs: [JobSnapshot] {
        let active = pool.slots.currentJobs
        // A job that began while we looked is active and no longer waits.
        let isActive = Set(active.map { ObjectIdentifier($0) })
        let reserved = (pool.jobs.waiting + waiting.limitedJobs).filter { !isActive.contains(ObjectIdentifier($0)) }
        return active.map { JobSnapshot($0, .active) } + reserved.map { JobSnapshot($0, .reserved) }
            + waiting.scheduledJobs.map { JobSnapshot($0, .scheduled) }
    }

    /// How many messages the worker holds of tasks that have ended, by queue: their outcomes wait, for instance for the
    /// result store. ``jobs`` has none of them.
    package var unsettledCounts: [String: Int] {
        let active = Set(pool.slots.currentJobs.map { ObjectIdentifier($0) })
        var counts: [String: Int] = [:]
        for job in held.unsettledJobs where !job.isAcknowledged && !active.contains(ObjectIdentifier(job)) {
            counts[job.request.queue, default: 0] += 1
        }
        return counts
    }

    /// The tasks that wait for their time, as far as one answer can hold them: the earliest 10,000 of those whose messages
    /// the broker keeps, and no more than 32 MB of them.
    package func scheduledJobs() async -> [JobSnapshot] {
        let (earliest, count) = (waiting.kept.earliest(Self.largestInspection.count), waiting.kept.count)
        let kept = await snapshots(ofKept: earliest)
        if count > earliest.count {
            logger.notice(
                "an inspection shows only the earliest tasks that wait for their time",
                metadata: ["tasks": "\(count)", "shown": "\(kept.count)"])
        }
        return merged(waiting.scheduledJobs.map { JobSnapshot($0, .scheduled) }, kept)
    }

    /// The tasks with these ids that the worker holds.
    package func jobs(withIDs ids: Set<String>) async -> [JobSnapshot] {
        let kept = await snapshots(ofKept: waiting.kept.receipts(ofIDs: ids))
        return merged(jobs, kept).filter { ids.contains($0.request.id) }
    }

    /// How many tasks one inspection reads again, and how many bytes of them.
    private static let largestInspection = (count: 10_000, size: 32 << 20)

    /// Tasks whose messages the broker keeps, which are read for it.
    private func snapshots(ofKept receipts: [Receipt]) async -> [JobSnapshot] {
        do {
            let deliveries = try await waiting.kept.look(at: receipts, maximumSize: Self.largestInspection.size)
            let now = self.now
            return deliveries.compactMap { delivery in
                guard let message = try? delivery.content.get(),
                    let request = try? worker.dialect.request(of: message, delivery: delivery),
                    // It ends as soon as it is read again.
                    !revocations.tasks.contains(request, now: now)
                else { return nil }
                return JobSnapshot(scheduled: request)
            }
        } catch {
            logger.warning(
                "could not read the messages of tasks that wait for their time", metadata: ["error": "\(error)"])
            return []
        }
    }

    /// Adds tasks that the broker kept when they were read, unless they have come back meanwhile.
    private func merged(_ jobs: [JobSnapshot], _ kept: [JobSnapshot]) -> [JobSnapshot] {
        let ids = kept.isEmpty ? [] : Set(jobs.map(\.request.id))
        return jobs + kept.filter { !ids.contains($0.request.id) }
    }

    /// How many tasks wait for their time, or for their turn under a rate limit.
    package var waitingCount: Int { waiting.scheduledCount + waiting.limitedJobs.count }

    /// How many handlers run now.
    public var activeCount: Int { pool.activeCount }

    /// The names of the tasks that the worker serves, sorted.
    public var taskNames: [String] { registrations.keys.sorted() }

    /// How many runs have begun, by task name. Tasks that never ran are left out.
    public var runCounts: [String: Int] { registrations.mapValues(\.runCount).filter { $0.value > 0 } }

    /// How many runs have begun in all.
    public var runCount: Int { registrations.values.reduce(0) { $0 + $1.runCount } }

    /// The options of a task with its limits as they are now; nil for a task that the worker does not serve.
    public func options(of task: String) -> TaskOptions? { registrations[task]?.options }

    /// Changes a task's rate limit; nil removes it.
    ///
    /// - Returns: false if the worker does not serve the task.
    public func setRateLimit(_ limit: RateLimit?, of task: String) -> Bool {
        guard let registration = registrations[task] else { return false }
        registration.rateLimit = limit
        waiting.renewTurns(of: registration)
        return true
    }

    /// Changes a task's time limits, for runs whose sender asks for none.
    ///
    /// - Returns: false if the worker does not serve the task.
    public func setTimeLimits(_ limits: TimeLimits, of task: String) -> Bool {
        guard let registration = registrations[task] else { return false }
        registration.timeLimits = limits
        return true
    }

    // MARK: Revoking

    /// The ids of revoked tasks, the oldest first. ``WorkerConfiguration/maximumRevocations`` and
    /// ``WorkerConfiguration/revocationLifetime`` set how many the worker remembers, and for how long.
    public var revokedIDs: [String] { revocations.tasks.ids(now: now) }

    /// Revokes tasks. Tasks that wait at this worker end as revoked now, others when their messages arrive. Running
    /// tasks continue.
    public func revoke(_ ids: [String]) { revocations.revoke(ids) }

    /// Revokes the tasks that carry a stamp of this name with one of these values. Running tasks continue.
    public func revoke(stamp name: String, values: [WireValue]) { revocations.revoke(stamp: name, values: values) }

    /// Ends running tasks: the worker counts them as revoked at once and cancels their handlers.
    ///
    /// - Parameters:
    ///   - ids: the ids of the tasks.
    ///   - signal: the number of the requested signal, which the worker only reports in events.
    /// - Returns: the ids of the tasks that were running.
    @discardableResult
    public func terminate(_ ids: [String], signal: Int32) -> [String] { revocations.terminate(ids, signal: signal) }

    /// Stores the state `REVOKED` for those of these tasks that nobody has begun, according to their results. Callers
    /// that wait for them then need not wait until a worker gets their messages.
    ///
    /// - Throws: the result store's error.
    package func markRevoked(_ ids: [String]) async throws { try await ledger.markRevoked(ids) }

    // MARK: The worker

    /// Changes how many handlers run at once by a positive or negative number. Running handlers continue.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for a total of less than one or more than 65,535; the
    ///   consumer's error if the broker could not be told of the new window.
    public func resize(by change: Int) async throws {
        try pool.resize(by: change)
        logger.info("the worker's concurrency has changed", metadata: ["concurrency": "\(concurrency)"])
        try await prefetch.update()
    }

    /// The bounds between which the worker itself chooses how many handlers run at once; nil for a worker whose number is
    /// fixed: ``WorkerConfiguration/autoscale``.
    package var autoscaleBounds: ClosedRange<Int>? { worker.autoscaler?.range }

    /// Changes the bounds of how many handlers run at once; nil leaves one as it is.
    ///
    /// - Returns: the bounds from now on.
    /// - Throws: ``CeleriacError`` with code `unsupported` for a worker whose number is fixed, `configuration` for bounds
    ///   that cannot be; the consumer's error if the broker could not be told of the new window.
    package func autoscale(maximum: Int?, minimum: Int?) async throws -> ClosedRange<Int> {
        guard let autoscaler = worker.autoscaler else {
            throw CeleriacError(.unsupported, "the worker's concurrency is fixed")
        }
        guard let range = autoscaler.update(maximum: maximum, minimum: minimum) else {
            throw CeleriacError(.configuration, "the bounds must be 1 to 65535, the lower one first")
        }
        pool.expect(range.upperBound)
        try await prefetch.update()
        return range
    }

    /// Serves one more queue, which the consumer makes if it does not exist.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot do it.
    public func addQueue(_ queue: TaskQueue) async throws { try await servedQueues.add(queue) }

    /// Stops serving a queue. The worker still runs the messages that it has taken from it.
    ///
    /// - Throws: ``CeleriacError`` with code `unsupported` where the transport cannot do it.
    public func removeQueue(_ queue: String) async throws { try await servedQueues.remove(queue) }

    /// Begins a graceful stop.
    public func stop() { worker.stop() }
}

/// A task that a worker held at the moment of the snapshot.
package struct JobSnapshot: Sendable {
    /// How far a task has come in the worker.
    package enum Phase: Sendable, Hashable {
        /// Its handler runs.
        case active
        /// It waits for a slot, or for its turn under a rate limit.
        case reserved
        /// It waits for its time.
        case scheduled
    }

    /// The request.
    package let request: TaskRequest
    /// How far the task has come.
    package let phase: Phase
    /// When its handler began; nil if it has not.
    package let startTime: Date?
    /// Whether its message has been acknowledged.
    package let isAcknowledged: Bool

    init(_ job: Job, _ phase: Phase) {
        request = job.request
        self.phase = phase
        startTime = job.startTime
        isAcknowledged = job.isAcknowledged
    }

    /// A task that waits for its time.
    init(scheduled request: TaskRequest) {
        self.request = request
        phase = .scheduled
        startTime = nil
        isAcknowledged = false
    }
}
