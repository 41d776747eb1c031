import CeleriacWire
import DequeModule
import HeapModule
import Logging
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

/// The tasks that wait for their time while the broker keeps their messages (``PayloadKeepingConsumer``).
///
/// Shortly before its time a message is read again, in one go with others, and goes through the intake once more. So does
/// that of a task that may have been revoked. One timer serves all.
final class KeptTasks: Sendable {
    /// Nearer than this a message stays in memory.
    static let nearest: Duration = .seconds(3)
    /// How long before their times messages are read, in seconds.
    static let lead = 1.0
    /// How much longer before that those may be read that go along with others, in seconds.
    private static let slack = 0.25
    /// How many messages are read in one go, and how many bytes of them.
    static let batch = 250
    private static let largestBatch = 16 << 20
    /// How many messages are read in one go for those who only look.
    private static let page = 50
    /// How many tasks may be ready or about to be. If slots do not keep up, the messages of the others stay at the broker.
    private static let longestQueue = 10_000
    /// How long the worker trusts the clock. It may be set meanwhile, or stand still with the machine.
    private static let longestWait = 60.0

    private struct State {
        var tasks = Heap<KeptTask>()
        /// Those whose messages are being read.
        var reading: [Receipt: KeptTask] = [:]
        /// The times of those that were read, as far as they have not come.
        var ahead = Deque<Double>()
        /// When the worker looks next, in seconds since 1970.
        var nextLook = Double.infinity
        var isClosed = false

        mutating func insert(_ new: some Sequence<KeptTask>) -> Bool {
            for task in new { tasks.insert(task) }
            guard let first = tasks.min else { return false }
            return first.time - KeptTasks.lead < nextLook
        }

        /// How many have been read whose time has not come.
        mutating func countAhead(now: Double) -> Int {
            while let first = ahead.first, first <= now { ahead.removeFirst() }
            return ahead.count
        }

        /// Takes out those that are read next.
        mutating func takeBatch(until time: Double) -> [KeptTask] {
            var (batch, size) = ([KeptTask](), 0)
            while batch.count < KeptTasks.batch, let task = tasks.min, task.time <= time {
                size += Int(task.size)
                if !batch.isEmpty, size > KeptTasks.largestBatch { break }
                _ = tasks.popMin()
                reading[task.receipt] = task
                ahead.append(task.time)
                batch.append(task)
            }
            return batch
        }

        /// Gives memory back after a great many have gone.
        mutating func shrink() {
            if tasks.isEmpty { tasks = Heap() }
            if reading.isEmpty { reading = [:] }
        }
    }
    private enum Step {
        case read([KeptTask])
        /// Nothing is to be done for so long; nil for as long as nothing comes.
        case wait(Duration?)
    }

    private let consumer: (any PayloadKeepingConsumer)?
    private let capacity: Capacity
    private let timers: any TimerSource
    private let logger: Logger
    private let queueLength: @Sendable () -> Int
    private let state = NIOLockedValueBox(State())
    private let signal = WakeSignal()

    /// Makes the place, which is empty.
    ///
    /// - Parameters:
    ///   - consumer: reads messages again; nil if it cannot.
    ///   - capacity: counts the messages in the window, in which these are not.
    ///   - timers: where the timer comes from.
    ///   - logger: the worker's logger.
    ///   - queueLength: how many jobs wait for a slot.
    init(
        consumer: (any PayloadKeepingConsumer)?, capacity: Capacity, timers: any TimerSource, logger: Logger,
        queueLength: @escaping @Sendable () -> Int
    ) {
        self.consumer = consumer
        self.capacity = capacity
        self.timers = timers
        self.logger = logger
        self.queueLength = queueLength
    }

    /// How many tasks there are.
    var count: Int { state.withLockedValue { $0.tasks.count + $0.reading.count } }

    /// Whether a job that may begin after a delay is for this place.
    func takes(after delay: Duration) -> Bool { consumer != nil && delay > Self.nearest }

    /// Takes jobs of the window, and lets their messages go.
    func take(_ jobs: [Job]) {
        guard let consumer, !jobs.isEmpty else { return }
        let tasks = jobs.map { KeptTask($0) }
        consumer.letGo(tasks.map(\.receipt))
        capacity.setAside(tasks.count)
        // What comes after the end is given back when the consumer closes.
        let isEarlier = state.withLockedValue { state -> Bool in
            if state.isClosed { return false }
            return state.insert(tasks)
        }
        if isEarlier { signal.wake() }
    }

    // MARK: Revoking and showing

    /// Has messages read now, since their tasks may have been revoked.
    func readNow(where matches: (KeptTask) -> Bool) {
        let found = state.withLockedValue { state -> Bool in
            var others = state.tasks.unordered
            var found = others.filter(matches)
            if found.isEmpty { return false }
            others.removeAll(where: matches)
            state.tasks = Heap(others)
            for index in found.indices { found[index].time = 0 }
            return state.insert(found)
        }
        if found { signal.wake() }
    }

    /// The receipts of the earliest tasks.
    func earliest(_ limit: Int) -> [Receipt] {
        var (tasks, reading) = state.withLockedValue { ($0.tasks, $0.reading.values.sorted()) }
        while reading.count < limit, let task = tasks.popMin() { reading.append(task) }
        return reading.prefix(limit).map(\.receipt)
    }

    /// The receipts of the tasks that may have one of these ids.
    func receipts(ofIDs ids: some Sequence<String>) -> [Receipt] {
        let hashes = Set(ids.map(KeptTask.hash))
        let found = state.withLockedValue { state -> [KeptTask] in
            (state.tasks.unordered + state.reading.values).filter { hashes.contains($0.idHash) }
        }
        return found.sorted().map(\.receipt)
    }

    /// Reads messages without taking them, until their size exceeds a bound.
    ///
    /// - Throws: the consumer's error.
    func look(at receipts: [Receipt], maximumSize: Int) async throws -> [Delivery] {
        guard let consumer else { return [] }
        var (found, size) = ([Delivery](), 0)
        for start in stride(from: 0, to: receipts.count, by: Self.page) where size <= maximumSize {
            let portion = Array(receipts[start..<min(start + Self.page, receipts.count)])
            for delivery in try await consumer.look(at: portion) {
                guard let delivery, size <= maximumSize else { continue }
                size += (try? delivery.content.get())?.body.count ?? 0
                found.append(delivery)
            }
        }
        return found
    }

    // MARK: Reading

    /// Reads messages when it is time, until ``close()``.
    ///
    /// - Parameter readmit: gets the deliveries, which count in the window from then on.
    func run(readmit: ([Delivery]) async -> Void) async {
        guard let consumer else { return }
        var backoff = Backoff(maximum: .seconds(5))
        while !signal.isStopping {
            switch nextStep() {
            case .wait(.none): await signal.wait()
            case .wait(.some(let duration)): await signal.wait(upTo: duration, by: timers)
            case .read(let tasks):
                do {
                    let deliveries = note(try await consumer.recall(tasks.map(\.receipt)), of: tasks)
                    backoff.reset()
                    if !deliveries.isEmpty { await readmit(deliveries) }
                } catch {
                    // The tasks wait on. Their messages are where they were.
                    let isClosed = putBack(tasks)
                    if isClosed { return }
                    let pause = backoff.next()
                    logger.warning(
                        "cannot read the messages of tasks whose time has come, trying again",
                        metadata: ["error": "\(error)", "tasks": "\(tasks.count)", "seconds": "\(pause.seconds)"])
                    await signal.wait(upTo: pause, by: timers)
                }
            }
        }
    }

    private func nextStep() -> Step {
        let (queued, now) = (queueLength(), timers.now.timeIntervalSince1970)
        return state.withLockedValue { state in
            guard !state.isClosed, let first = state.tasks.min else {
                state.nextLook = .infinity
                return .wait(nil)
            }
            let rest = first.time - Self.lead - now
            if rest > 0 {
                state.nextLook = now + min(rest, Self.longestWait)
                return .wait(Duration(clampedSeconds: min(rest, Self.longestWait)))
            }
            if queued + state.countAhead(now: now) >= Self.longestQueue {
                // Only time helps, whatever comes.
                state.nextLook = -.infinity
                return .wait(.milliseconds(10))
            }
            return .read(state.takeBatch(until: now + Self.lead + Self.slack))
        }
    }

    /// Notes what has become of messages.
    ///
    /// - Returns: the deliveries of those that nobody has taken out meanwhile.
    private func note(_ found: [Delivery?], of tasks: [KeptTask]) -> [Delivery] {
        var (deliveries, lost) = ([Delivery](), 0)
        state.withLockedValue { state in
            for (place, task) in tasks.enumerated() where state.reading.removeValue(forKey: task.receipt) != nil {
                if found.indices.contains(place), let delivery = found[place] {
                    deliveries.append(delivery)
                } else {
                    lost += 1
                }
            }
            state.shrink()
        }
        if !deliveries.isEmpty { capacity.takeBack(deliveries.count) }
        if lost > 0 {
            capacity.forgetAside(lost)
            logger.notice(
                "messages of tasks that waited for their time are no longer this worker's: another has restored them",
                metadata: ["tasks": "\(lost)"])
        }
        return deliveries
    }

    /// - Returns: whether the place is closed.
    private func putBack(_ tasks: [KeptTask]) -> Bool {
        state.withLockedValue { state in
            for task in tasks where state.reading.removeValue(forKey: task.receipt) != nil { state.tasks.insert(task) }
            return state.isClosed
        }
    }

    /// Ends reading.
    ///
    /// - Returns: the receipts of the tasks that waited, in the order in which they came.
    func close() -> [Receipt] {
        let tasks = state.withLockedValue { state -> [KeptTask] in
            let tasks = state.tasks.unordered + state.reading.values
            state = State(isClosed: true)
            return tasks
        }
        signal.stop()
        return tasks.map(\.receipt).sorted { ($0.generation, $0.tag) < ($1.generation, $1.tag) }
    }
}
