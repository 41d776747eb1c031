import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// Decides how many handlers may run at once, by how many tasks the worker holds: Celery's rule.
struct AutoscaleLedger: Sendable {
    /// The bounds. Remote control may change them.
    var range: ClosedRange<Int>
    /// How long the worker keeps its slots after it was last busy.
    let patience: Duration
    /// When a task came last or the number grew last.
    private var lastNeed: Date

    init(range: ClosedRange<Int>, patience: Duration = .seconds(30), now: Date) {
        self.range = range
        self.patience = patience
        lastNeed = now
    }

    /// Notes that a task has come.
    mutating func taskCame(now: Date) { lastNeed = max(lastNeed, now) }

    /// Decides by how much the number should change.
    ///
    /// - Parameters:
    ///   - held: how many tasks run or wait for a slot.
    ///   - concurrency: how many handlers may run at once.
    ///   - now: the time.
    /// - Returns: the change; 0 for none.
    mutating func change(held: Int, concurrency: Int, now: Date) -> Int {
        let wanted = min(max(held, range.lowerBound), range.upperBound)
        if wanted > concurrency {
            lastNeed = now
            return wanted - concurrency
        }
        // New bounds hold at once.
        if concurrency > range.upperBound { return range.upperBound - concurrency }
        return wanted < concurrency && now.timeIntervalSince(lastNeed) > patience.seconds ? wanted - concurrency : 0
    }
}

/// Grows and shrinks a worker's pool while it runs. It looks when tasks come, and every second while the pool is larger
/// than it has to be.
final class Autoscaler: WorkerPart, WorkerObserver {
    /// Tasks come in crowds: one look is enough for those of this time.
    private static let pause = Duration.milliseconds(100)

    private let ledger: NIOLockedValueBox<AutoscaleLedger>
    private let signal = WakeSignal()
    private let timers: any TimerSource

    init(range: ClosedRange<Int>, timers: any TimerSource) {
        self.timers = timers
        ledger = NIOLockedValueBox(AutoscaleLedger(range: range, now: timers.now))
    }

    /// The bounds.
    var range: ClosedRange<Int> { ledger.withLockedValue { $0.range } }

    var observer: (any WorkerObserver)? { self }
    var isListening: Bool { true }

    func observe(_ event: WorkerEvent, at time: Date) {
        guard case .received = event else { return }
        ledger.withLockedValue { $0.taskCame(now: time) }
        signal.wake()
    }

    /// Changes the bounds; nil leaves one as it is.
    ///
    /// - Returns: the bounds from now on; nil, and nothing changes, if there are no such bounds.
    func update(maximum: Int?, minimum: Int?) -> ClosedRange<Int>? {
        let range = ledger.withLockedValue { ledger -> ClosedRange<Int>? in
            let (lower, upper) = (minimum ?? ledger.range.lowerBound, maximum ?? ledger.range.upperBound)
            guard lower <= upper, WorkerPool.concurrencies.contains(lower), WorkerPool.concurrencies.contains(upper)
            else { return nil }
            ledger.range = lower...upper
            return ledger.range
        }
        if range != nil { signal.wake() }
        return range
    }

    func run(beside worker: WorkerControl, until stopping: Gate) async {
        let stopped = stopping.onOpen { self.signal.stop() }
        defer { stopping.forget(stopped) }
        while !signal.isStopping {
            let held = worker.heldCount
            let (change, isLarge) = ledger.withLockedValue { ledger in
                let change = ledger.change(held: held, concurrency: worker.concurrency, now: worker.now)
                return (change, worker.concurrency + change > ledger.range.lowerBound)
            }
            // Without a connection the next one is told.
            if change != 0 { try? await worker.resize(by: change) }
            await stopping.wait(atMost: Self.pause, timers: timers)
            if isLarge { await signal.wait(upTo: .seconds(1), by: timers) } else { await signal.wait() }
        }
    }
}

extension WorkerControl {
    /// How many tasks run or wait for a slot.
    package var heldCount: Int { jobs.count { $0.phase != .scheduled } }
}
