import Logging
import Synchronization

/// Has a worker take no tasks while its result store is out of reach, if it is set to.
///
/// The worker then consumes no queue, and gives back what it has not begun, so that it keeps nothing from workers that
/// reach their stores. It still gets redeliveries of what it runs.
final class StorePause: Sendable {
    private let watch: ResultStoreWatch
    private let queues: ServedQueues
    private let pool: WorkerPool
    private let waiting: WaitingRoom
    private let held: HeldTasks
    private let prefetch: PrefetchReport
    private let timers: any TimerSource
    private let logger: Logger
    private let submit: @Sendable ([Plan]) -> Void
    private let signal = WakeSignal()
    private let isPaused = Atomic(false)

    init(
        watch: ResultStoreWatch, queues: ServedQueues, pool: WorkerPool, waiting: WaitingRoom, held: HeldTasks,
        prefetch: PrefetchReport, timers: any TimerSource, logger: Logger, submit: @escaping @Sendable ([Plan]) -> Void
    ) {
        self.watch = watch
        self.queues = queues
        self.pool = pool
        self.waiting = waiting
        self.held = held
        self.prefetch = prefetch
        self.timers = timers
        self.logger = logger
        self.submit = submit
    }

    /// Whether no tasks are taken.
    var isOn: Bool { isPaused.load(ordering: .acquiring) }

    /// Looks again whether there is an outage.
    func wake() { signal.wake() }

    /// Pauses during every outage, until the worker stops.
    func run(until stopping: Gate) async {
        let stopped = stopping.onOpen { self.signal.stop() }
        defer { stopping.forget(stopped) }
        while !signal.isStopping {
            if watch.isOut != isOn {
                if isOn { await resume(until: stopping) } else { await begin() }
            }
            await signal.wait()
        }
    }

    private func begin() async {
        isPaused.store(true, ordering: .releasing)
        pool.capacity.pause(.nothing)
        // What the broker had sent already is in the consumer, which hands it out.
        if await queues.pause() { pool.capacity.pause(.leftovers) }
        giveBackWaiting()
        // Without a connection the next one is told.
        try? await prefetch.update()
    }

    private func resume(until stopping: Gate) async {
        isPaused.store(false, ordering: .releasing)
        pool.capacity.pause(nil)
        var backoff = Backoff()
        // A queue that cannot be consumed must not hide the next outage.
        while !stopping.isOpen, !watch.isOut {
            do {
                return try await queues.resume()
            } catch {
                logger.warning("could not consume the queues again yet", metadata: ["error": "\(error)"])
                await stopping.wait(atMost: backoff.next(), timers: timers)
            }
        }
    }

    /// Gives back the messages of all tasks that wait here for a slot, their turn or their time. Those that the broker
    /// keeps go back when their time is near, if the pause lasts so long.
    func giveBackWaiting() {
        let jobs = pool.jobs.takeWaiting() + waiting.takeOut { _ in true }
        held.leave(jobs)
        giveBack(jobs.map(\.receipt))
    }

    /// Gives back messages that count in the window.
    func giveBack(_ receipts: [Receipt]) {
        if receipts.isEmpty { return }
        submit(receipts.map { Plan(receipt: $0, taskID: "", endsJob: true, effects: [.giveBack()]) })
    }
}
