import CeleriacWire
import NIOConcurrencyHelpers

import struct FoundationEssentials.Date

extension WorkerSession {
    /// Tells observers, if any listens; otherwise nothing is even built.
    func notify(_ event: @autoclosure () -> WorkerEvent) {
        guard observers.contains(where: { $0.isListening }) else { return }
        let (event, now) = (event(), worker.timers.now)
        for observer in observers where observer.isListening { observer.observe(event, at: now) }
    }

    /// What tells observers later of something that happened now; nil if none listens.
    func announcement(_ event: @autoclosure () -> WorkerEvent) -> (@Sendable () -> Void)? {
        guard observers.contains(where: { $0.isListening }) else { return nil }
        let (event, now) = (event(), worker.timers.now)
        return { [observers] in
            for observer in observers where observer.isListening { observer.observe(event, at: now) }
        }
    }

    // MARK: Looking

    var activeCount: Int { slotPool.currentJobs.count }

    var prefetchCount: Int { window + shelf.count }

    var queues: [String] { servedQueues.withLockedValue { $0 } }

    func snapshots() -> [JobSnapshot] {
        let active = slotPool.currentJobs
        // A job that began while we looked is active, not waiting too.
        let isActive = Set(active.map { ObjectIdentifier($0) })
        let waiting = (jobs.waiting + limited.jobs).filter { !isActive.contains(ObjectIdentifier($0)) }
        return active.map { JobSnapshot($0, .active) } + waiting.map { JobSnapshot($0, .reserved) }
            + shelf.jobs.map { JobSnapshot($0, .scheduled) }
    }

    // MARK: Withdrawing

    func isRevoked(_ request: TaskRequest) -> Bool {
        revokedTasks.contains(request, now: worker.timers.now)
    }

    func revoke(_ ids: [String]) {
        revokedTasks.insert(ids, now: worker.timers.now)
        endRevokedJobs()
    }

    func revoke(stamp name: String, values: [WireValue]) {
        revokedTasks.insert(stamp: name, values: values)
        endRevokedJobs()
    }

    /// Ends those that wait for their time or their turn. Those that wait for a free place are found out when they get one.
    private func endRevokedJobs() {
        let scheduled = shelf.remove { isRevoked($0.request) }
        // They waited beside the window; ending them gives up a place in it.
        if !scheduled.isEmpty { capacity.take(scheduled.count) }
        for job in scheduled + limited.remove(where: { isRevoked($0.request) }) { finish(job, .revoked(.revoked)) }
    }

    func terminate(_ ids: [String], signal: Int32) -> [String] {
        let ids = Set(ids)
        var terminated: [String] = []
        for slot in slotPool.slots {
            guard let job = slot.currentJob, ids.contains(job.request.id) else { continue }
            finish(job, .revoked(.terminated(signal: signal)))
            slot.cancel(job)
            terminated.append(job.request.id)
        }
        return terminated
    }

    // MARK: Rate limits

    /// Whether a job may go on now; otherwise it is kept, in its place in the window, until its turn under the rate limit.
    func admit(_ job: Job) -> Bool {
        guard let delay = job.registration.takeTurn(now: worker.timers.now) else { return true }
        limited.put(job, delay: .seconds(min(delay, 3_155_760_000)), timers: worker.timers) { job in
            self.jobs.push(CollectionOfOne(job))
        }
        return false
    }

    func setRateLimit(_ limit: RateLimit?, of task: String) -> Bool {
        guard let registration = registrations[task] else { return false }
        registration.rateLimit = limit
        // Those that wait get new turns, in their order.
        let waiting = limited.remove { $0.registration === registration }
        for job in waiting where admit(job) { jobs.push(CollectionOfOne(job)) }
        return true
    }

    // MARK: Queues

    func addQueue(_ queue: String) async throws {
        if queues.contains(queue) { return }
        try await consumer.addQueue(TaskQueue(queue))
        servedQueues.withLockedValue { if !$0.contains(queue) { $0.append(queue) } }
    }

    func removeQueue(_ queue: String) async throws {
        guard queues.contains(queue) else { return }
        try await consumer.removeQueue(queue)
        servedQueues.withLockedValue { $0.removeAll { $0 == queue } }
    }
}
