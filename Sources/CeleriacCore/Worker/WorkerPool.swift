import NIOConcurrencyHelpers

/// Where handlers run: the queue of ready jobs, the slots that take them, and the window of messages held for them.
///
/// It can be resized while the worker runs.
final class WorkerPool: Sendable {
    /// How many handlers may run at once.
    static let concurrencies = 1...65535

    let capacity: Capacity
    let jobs: JobQueue
    let slots: SlotPool
    /// Runs handlers that block their thread; nil if no task has such a handler.
    let blockingExecutor: BlockingExecutor?
    /// How many messages are held in all at most while some wait for their time; nil for no limit.
    let scheduleLimit: Int?
    private let prefetchMultiplier: Int
    /// How many handlers may run at once, and for how many messages are held at least.
    private let size: NIOLockedValueBox<(slots: Int, expected: Int)>

    /// Makes a pool.
    ///
    /// - Parameters:
    ///   - concurrency: how many handlers may run at once.
    ///   - expected: for how many handlers messages are held even while fewer may run: an autoscaler sees by them that the
    ///     pool has to grow.
    ///   - prefetchMultiplier: how many messages the worker holds at most for each handler.
    ///   - scheduleLimit: how many it holds in all at most while some wait for their time; nil for no limit.
    ///   - blocks: whether any handler blocks its thread.
    ///   - stopping: once it is open no further job begins.
    ///   - metrics: shows how many messages are held; nil to show nothing.
    init(
        concurrency: Int, expected: Int = 0, prefetchMultiplier: Int, scheduleLimit: Int? = nil, blocks: Bool,
        stopping: Gate, metrics: WorkerMetrics? = nil
    ) {
        let capacity = Capacity(
            window: max(concurrency, expected) * prefetchMultiplier, scheduleLimit: scheduleLimit, metrics: metrics)
        self.capacity = capacity
        self.jobs = JobQueue(stopping: stopping) { capacity.idleSlotsChanged(by: $0) }
        self.slots = SlotPool(count: concurrency)
        self.blockingExecutor = blocks ? BlockingExecutor(threads: concurrency) : nil
        self.scheduleLimit = scheduleLimit
        self.prefetchMultiplier = prefetchMultiplier
        self.size = NIOLockedValueBox((concurrency, expected))
    }

    /// How many handlers may run at once now.
    var concurrency: Int { size.withLockedValue { $0.slots } }

    /// How many messages the worker holds at most now, apart from those that wait for their time.
    var window: Int { size.withLockedValue { max($0.slots, $0.expected) } * prefetchMultiplier }

    /// Changes for how many handlers messages are held at least.
    func expect(_ count: Int) {
        size.withLockedValue { size in
            size.expected = count
            capacity.resize(to: max(size.slots, count) * prefetchMultiplier)
        }
    }

    /// How many handlers run now.
    var activeCount: Int { slots.currentJobs.count }

    /// Changes how many handlers may run at once. Running handlers continue: the pool shrinks as they end.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` for a total outside ``concurrencies``.
    func resize(by change: Int) throws(CeleriacError) {
        let isResized = size.withLockedValue { size in
            let (new, overflows) = size.slots.addingReportingOverflow(change)
            guard !overflows, Self.concurrencies.contains(new) else { return false }
            size.slots = new
            if change > 0 {
                blockingExecutor?.grow(to: new)
                slots.add(change - jobs.keepSlots(change))
            } else {
                jobs.dismissSlots(-change)
            }
            capacity.resize(to: max(new, size.expected) * prefetchMultiplier)
            return true
        }
        guard isResized else {
            throw CeleriacError(.configuration, "the concurrency must be 1 to \(Self.concurrencies.upperBound)")
        }
    }
}

/// Tells the broker how many messages the worker may hold in addition to the prefetch with which it began to consume:
/// those that wait for their time, to be moved until then or to be given back, and those by which its window has grown.
final class PrefetchReport: Sendable {
    private let consumer: any MessageConsumer
    private let pool: WorkerPool
    private let waiting: WaitingRoom
    private let postponing: Postponing
    private let asideCount: @Sendable () -> Int
    private let initialWindow: Int
    private let state = NIOLockedValueBox((reported: 0, isReporting: false))

    init(
        consumer: any MessageConsumer, pool: WorkerPool, waiting: WaitingRoom, postponing: Postponing,
        asideCount: @escaping @Sendable () -> Int
    ) {
        self.consumer = consumer
        self.pool = pool
        self.waiting = waiting
        self.postponing = postponing
        self.asideCount = asideCount
        self.initialWindow = pool.window
    }

    /// How many messages the worker may hold in all.
    var count: Int {
        let scheduled = waiting.scheduledCount
        let count = pool.window + scheduled + postponing.count + asideCount()
        guard scheduled > 0, let limit = pool.scheduleLimit else { return count }
        return min(count, limit)
    }

    /// Tells the broker if the number has changed. If a call is under way, that one tells it, so that the latest number
    /// is also the last one that the broker hears.
    func update() async throws {
        let isFirst = state.withLockedValue { state in
            defer { state.isReporting = true }
            return !state.isReporting
        }
        guard isFirst else { return }
        while let additional = next() {
            do {
                try await consumer.hold(additional)
            } catch {
                state.withLockedValue { $0.isReporting = false }
                throw error
            }
        }
    }

    /// The number to report next; nil, and the report is over, if it has not changed.
    private func next() -> Int? {
        state.withLockedValue { state in
            let additional = count - initialWindow
            state.isReporting = additional != state.reported
            state.reported = additional
            return state.isReporting ? additional : nil
        }
    }
}
