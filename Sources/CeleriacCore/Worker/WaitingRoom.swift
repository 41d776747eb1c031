import Logging
import NIOConcurrencyHelpers

/// The jobs that may not begin yet.
///
/// Some wait for their time. They do not count in the window, so that the worker can take other messages meanwhile.
/// Others wait for their turn under a rate limit, and do count.
final class WaitingRoom: Sendable {
    /// Those whose time is not near, where the broker keeps their messages.
    let kept: KeptTasks
    private let scheduled = Shelf()
    private let limited = Shelf()
    private let held: HeldTasks
    private let capacity: Capacity
    private let jobs: JobQueue
    private let timers: any TimerSource
    private let logger: Logger

    /// Makes an empty waiting room.
    ///
    /// - Parameters:
    ///   - held: knows which messages the worker still holds.
    ///   - capacity: counts the messages in the window.
    ///   - jobs: where jobs go when they may begin.
    ///   - timers: where the timers come from.
    ///   - logger: the worker's logger.
    ///   - consumer: reads messages again whose time is near; nil if it cannot.
    init(
        held: HeldTasks, capacity: Capacity, jobs: JobQueue, timers: any TimerSource, logger: Logger,
        consumer: (any PayloadKeepingConsumer)? = nil
    ) {
        self.kept = KeptTasks(
            consumer: consumer, capacity: capacity, timers: timers, logger: logger,
            queueLength: { jobs.count })
        self.held = held
        self.capacity = capacity
        self.jobs = jobs
        self.timers = timers
        self.logger = logger
    }

    /// The jobs that wait for their time with their messages, in order.
    var scheduledJobs: [Job] { scheduled.jobs }

    /// How many tasks wait for their time.
    var scheduledCount: Int { scheduled.count + kept.count }

    /// The jobs that wait for their turn under a rate limit, in order.
    var limitedJobs: [Job] { limited.jobs }

    /// Keeps a job until its time, which is `delay` from now.
    func schedule(_ job: Job, after delay: Duration) {
        capacity.setAside()
        scheduled.put(job, delay: delay, timers: timers) { job in
            guard self.held.keeps(job) else { return self.dropScheduled([job]) }
            self.capacity.takeBack(1)
            if self.admit(job) { self.jobs.push(CollectionOfOne(job)) }
        }
    }

    /// Whether a job may begin now. If not, the room keeps it until its turn under its task's rate limit.
    func admit(_ job: Job) -> Bool {
        guard let delay = job.registration.takeTurn(at: timers.now) else { return true }
        limited.put(job, delay: Duration(clampedSeconds: delay), timers: timers) { job in
            self.jobs.push(CollectionOfOne(job))
        }
        return false
    }

    /// Gives the waiting jobs of a task new turns, in order, after its rate limit has changed.
    func renewTurns(of registration: TaskRegistration) {
        for job in limited.remove(where: { $0.registration === registration }) where admit(job) {
            jobs.push(CollectionOfOne(job))
        }
    }

    /// Takes jobs out for the caller to end. All of them then count in the window.
    func takeOut(where matches: (Job) -> Bool) -> [Job] {
        let scheduled = scheduled.remove(where: matches)
        // Scheduled jobs did not count in the window, but ending them gives up a place in it.
        if !scheduled.isEmpty { capacity.takeBack(scheduled.count) }
        return scheduled + limited.remove(where: matches)
    }

    /// Drops the jobs whose messages a lost connection has given back, and no redelivery has taken over.
    func dropLost() {
        dropScheduled(scheduled.remove { !self.held.keeps($0) })
        for job in limited.remove(where: { !self.held.keeps($0) }) { drop(job, Self.lost) }
    }

    /// What is logged of a job whose message a lost connection has given back.
    static let lost: Logger.Message = "the connection was lost and the message given back before its task began"
    /// What is logged of a job whose message left the worker when its beginning was to be counted.
    static let leftToBeCounted: Logger.Message =
        "the message came back once before: it is delivered again, counted, before its task begins"

    /// Drops a job in the window whose message the worker no longer holds.
    ///
    /// - Parameters:
    ///   - job: the job.
    ///   - reason: why, for the log.
    func drop(_ job: Job, _ reason: Logger.Message) {
        log(job, reason)
        capacity.release(1)
    }

    /// Stops all timers but that of the kept tasks.
    ///
    /// - Returns: the jobs that waited, in order.
    func close() -> (limited: [Job], scheduled: [Job]) { (limited.close(), scheduled.close()) }

    private func dropScheduled(_ jobs: [Job]) {
        if jobs.isEmpty { return }
        for job in jobs { log(job, Self.lost) }
        capacity.forgetAside(jobs.count)
    }

    private func log(_ job: Job, _ reason: Logger.Message) {
        logger.debug(reason, metadata: ["task-id": "\(job.request.id)"])
    }
}

/// Jobs in their order, each with a timer and without a slot.
private final class Shelf: Sendable {
    private struct Entry {
        let job: Job
        let timer: any RunningTimer
        /// Its place in the order.
        let number: UInt64
    }
    private struct State {
        var timers: [ObjectIdentifier: Entry] = [:]
        var nextNumber: UInt64 = 0
        var isClosed = false
    }
    private let state = NIOLockedValueBox(State())

    /// How many jobs wait.
    var count: Int { state.withLockedValue { $0.timers.count } }

    /// The jobs that wait, in the order in which they came.
    var jobs: [Job] {
        state.withLockedValue { $0.timers.values.sorted { $0.number < $1.number } }.map(\.job)
    }

    /// Takes jobs out and stops their timers.
    func remove(where matches: (Job) -> Bool) -> [Job] {
        let removed = state.withLockedValue { state in
            let removed = state.timers.filter { matches($0.value.job) }
            for id in removed.keys { state.timers[id] = nil }
            return removed.values.sorted { $0.number < $1.number }
        }
        for entry in removed { entry.timer.cancel() }
        return removed.map(\.job)
    }

    /// Keeps a job until `delay` has passed, then passes it to `ready`.
    func put(_ job: Job, delay: Duration, timers: any TimerSource, ready: @escaping @Sendable (Job) -> Void) {
        let id = ObjectIdentifier(job)
        // Under the lock, so that the timer is known before it can fire.
        state.withLockedValue { state in
            guard !state.isClosed else { return }
            let timer = timers.schedule(after: delay) {
                let isDue = self.state.withLockedValue { $0.timers.removeValue(forKey: id) != nil }
                if isDue { ready(job) }
            }
            state.timers[id] = Entry(job: job, timer: timer, number: state.nextNumber)
            state.nextNumber += 1
        }
    }

    /// Stops all timers.
    ///
    /// - Returns: the jobs whose time had not come.
    func close() -> [Job] {
        let waiting = state.withLockedValue { state in
            state.isClosed = true
            defer { state.timers = [:] }
            return state.timers.values.sorted { $0.number < $1.number }
        }
        for entry in waiting { entry.timer.cancel() }
        return waiting.map(\.job)
    }
}
