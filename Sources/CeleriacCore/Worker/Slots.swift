import NIOConcurrencyHelpers

/// A place for one running handler.
///
/// All jobs of a slot run in one Swift task, so that a job does not cost a task of its own. To cancel a job, the slot
/// cancels that task and continues with a new one.
final class Slot: Sendable {
    private struct State {
        var job: Job?
        var isCancelled = false
        var cancelsEveryJob = false
        var isWatchOver = false
        var watcher: CheckedContinuation<Void, Never>?
    }
    private enum Exit { case watch, queueClosed, cancelled }
    private let state = NIOLockedValueBox(State())

    /// The job that runs here.
    var currentJob: Job? { state.withLockedValue { $0.job } }

    /// Runs jobs until the queue is closed.
    func run(_ queue: JobQueue, perform: @escaping @Sendable (Job, Slot) async -> Void) async {
        while await runUntilCancelled(queue, perform: perform) == .cancelled {
            state.withLockedValue { $0 = State(cancelsEveryJob: $0.cancelsEveryJob) }
        }
    }

    private func runUntilCancelled(
        _ queue: JobQueue, perform: @escaping @Sendable (Job, Slot) async -> Void
    ) async -> Exit {
        await withTaskGroup(of: Exit.self) { group in
            group.addTask {
                while let job = await queue.next() {
                    self.begin(job)
                    await perform(job, self)
                    let isCancelled = self.state.withLockedValue { state in
                        state.job = nil
                        return state.isCancelled
                    }
                    if isCancelled { return .cancelled }
                }
                return .queueClosed
            }
            group.addTask {
                await self.watchForCancellation()
                return .watch
            }
            var exit = Exit.queueClosed
            for await ended in group {
                if ended == .watch {
                    if self.state.withLockedValue({ $0.isCancelled }) { group.cancelAll() }
                } else {
                    exit = ended
                    endWatch()
                }
            }
            return exit
        }
    }

    /// Cancels the Swift task of a job if the job still runs here.
    func cancel(_ job: Job) { cancel { $0 === job } }

    /// Cancels the Swift task of the job that runs here, and of one that has been taken and is about to.
    func cancelEveryJob() {
        state.withLockedValue { $0.cancelsEveryJob = true }
        cancel { _ in true }
    }

    private func begin(_ job: Job) {
        let isCancelled = state.withLockedValue { state in
            state.job = job
            return state.cancelsEveryJob
        }
        if isCancelled { cancel(job) }
    }

    private func cancel(if matches: (Job) -> Bool) {
        let watcher = state.withLockedValue { state in
            guard let job = state.job, matches(job) else { return nil as CheckedContinuation<Void, Never>? }
            state.isCancelled = true
            defer { state.watcher = nil }
            return state.watcher
        }
        watcher?.resume()
    }

    private func watchForCancellation() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLockedValue { state in
                if state.isCancelled || state.isWatchOver { return true }
                state.watcher = continuation
                return false
            }
            if isOver { continuation.resume() }
        }
    }

    private func endWatch() {
        let watcher = state.withLockedValue { state in
            state.isWatchOver = true
            defer { state.watcher = nil }
            return state.watcher
        }
        watcher?.resume()
    }
}

/// The slots of a worker. Their number can change while the worker runs.
final class SlotPool: Sendable {
    private let state: NIOLockedValueBox<[Slot]>
    private let newcomers: AsyncStream<Slot>
    private let continuation: AsyncStream<Slot>.Continuation

    init(count: Int) {
        let slots = (0..<count).map { _ in Slot() }
        state = NIOLockedValueBox(slots)
        (newcomers, continuation) = AsyncStream.makeStream(of: Slot.self)
        for slot in slots { continuation.yield(slot) }
    }

    /// All slots, including those that will end after their job.
    var slots: [Slot] { state.withLockedValue { $0 } }

    /// The jobs that run now.
    var currentJobs: [Job] { slots.compactMap(\.currentJob) }

    func add(_ count: Int) {
        let slots = (0..<count).map { _ in Slot() }
        state.withLockedValue { $0 += slots }
        for slot in slots { continuation.yield(slot) }
    }

    /// Lets ``run(_:perform:)`` end once all slots have ended. Slots that are added later never run.
    func close() { continuation.finish() }

    /// Cancels the Swift tasks of all jobs, for good: the pool is closed.
    func cancelEveryJob() { slots.forEach { $0.cancelEveryJob() } }

    /// Runs the slots until both the pool and the queue are closed.
    func run(_ queue: JobQueue, perform: @escaping @Sendable (Job, Slot) async -> Void) async {
        await withDiscardingTaskGroup { group in
            for await slot in newcomers {
                group.addTask {
                    await slot.run(queue, perform: perform)
                    self.state.withLockedValue { $0.removeAll { $0 === slot } }
                }
            }
        }
    }
}
