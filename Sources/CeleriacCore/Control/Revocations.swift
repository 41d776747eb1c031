import CeleriacWire
import DequeModule
import NIOConcurrencyHelpers
import Synchronization

import struct FoundationEssentials.Date

/// How a task was revoked.
package enum Revocation: Sendable, Hashable {
    /// It was revoked before it began.
    case revoked
    /// It was revoked while it ran: the worker cancelled its handler's task. `signal` is the number of the requested
    /// signal, which the worker only reports in events, because handlers are not processes.
    case terminated(signal: Int32)
}

/// How many revoked tasks a worker remembers, and for how long.
package struct RevocationLimits: Sendable, Hashable {
    /// How many ids a worker remembers, and how many values of stamps. Past that it forgets the oldest ids and takes no
    /// more stamps.
    package var maximumCount: Int
    /// How long a worker remembers an id.
    package var lifetime: Duration

    /// Makes limits.
    package init(maximumCount: Int = 50_000, lifetime: Duration = .seconds(10_800)) {
        self.maximumCount = maximumCount
        self.lifetime = lifetime
    }
}

/// Revokes the tasks of a running worker.
struct Revocations: Sendable {
    let tasks: RevokedTasks
    private let waiting: WaitingRoom
    private let slots: SlotPool
    private let ledger: Ledger
    private let timers: any TimerSource

    init(tasks: RevokedTasks, waiting: WaitingRoom, slots: SlotPool, ledger: Ledger, timers: any TimerSource) {
        self.tasks = tasks
        self.waiting = waiting
        self.slots = slots
        self.ledger = ledger
        self.timers = timers
    }

    func revoke(_ ids: [String]) {
        tasks.insert(ids, now: timers.now)
        endWaitingJobs()
        // What the broker keeps ends when it is read, which is now.
        let hashes = Set(ids.map(KeptTask.hash))
        waiting.kept.readNow { hashes.contains($0.idHash) }
    }

    func revoke(stamp name: String, values: [WireValue]) {
        tasks.insert(stamp: name, values: values)
        endWaitingJobs()
        waiting.kept.readNow { $0.hasStamps }
    }

    /// Ends the revoked jobs that wait for their time or their turn. A job that waits for a slot ends when it gets one.
    private func endWaitingJobs() {
        let now = timers.now
        for job in waiting.takeOut(where: { tasks.contains($0.request, now: now) }) {
            ledger.finish(job, .revoked(.revoked))
        }
    }

    /// Ends running jobs and cancels their handlers.
    ///
    /// - Returns: the ids of those that were running.
    func terminate(_ ids: [String], signal: Int32) -> [String] {
        let ids = Set(ids)
        var terminated: [String] = []
        for slot in slots.slots {
            guard let job = slot.currentJob, ids.contains(job.request.id) else { continue }
            ledger.finish(job, .revoked(.terminated(signal: signal)))
            slot.cancel(job)
            terminated.append(job.request.id)
        }
        return terminated
    }
}

/// The tasks that a worker must not run, by their ids and by values of their stamps. Their number is limited, so that
/// nobody can fill the worker's memory.
final class RevokedTasks: Sendable {
    private struct State {
        let limits: RevocationLimits
        /// Every id with the time of its last revocation.
        var times: [String: Date] = [:]
        /// All revocations, the oldest first. An id that was revoked again stands here with its earlier times too.
        var order = Deque<(id: String, time: Date)>()
        var stamps: [String: [WireValue]] = [:]
        var stampCount = 0
        /// The times of tasks that wait at the broker.
        var known: KnownTimes
        /// Ids of such tasks that were revoked, and until when they are remembered, if that is longer than others.
        var lasting: [String: Date] = [:]

        init(limits: RevocationLimits) {
            self.limits = limits
            known = KnownTimes(limit: limits.maximumCount)
        }

        /// Remembers an id until its task has come back from the broker.
        mutating func keep(_ id: String, now: Date) {
            guard let time = known[id], time > now else { return }
            if lasting[id] == nil, lasting.count >= limits.maximumCount {
                lasting = lasting.filter { $0.value > now }
                if lasting.count >= limits.maximumCount { return }
            }
            lasting[id] = time.addingTimeInterval(limits.lifetime.seconds)
        }

        func isExpired(_ time: Date, now: Date) -> Bool { now.timeIntervalSince(time) >= limits.lifetime.seconds }

        /// Drops ids that are too old or too many, and what repeated revocations have left behind.
        mutating func purge(now: Date) {
            while let first = order.first {
                let isRepeated = times[first.id] != first.time
                guard isRepeated || isExpired(first.time, now: now) || times.count > limits.maximumCount else { break }
                order.removeFirst()
                if !isRepeated { times[first.id] = nil }
            }
            // Repeats behind the oldest id are not reached above.
            if order.count / 2 > limits.maximumCount {
                let times = times
                order.removeAll { times[$0.id] != $0.time }
            }
        }
    }
    private let state: NIOLockedValueBox<State>
    /// Spares readers the lock while nothing has been revoked.
    private let isUsed = Synchronization.Atomic(false)

    init(limits: RevocationLimits = RevocationLimits()) {
        state = NIOLockedValueBox(State(limits: limits))
    }

    /// Adds ids. Past the limits it forgets the oldest ids.
    func insert(_ ids: some Sequence<String>, now: Date) {
        state.withLockedValue { state in
            for id in ids where state.times[id] != now {
                state.times[id] = now
                state.order.append((id, now))
                state.keep(id, now: now)
            }
            state.purge(now: now)
        }
        isUsed.store(true, ordering: .releasing)
    }

    /// Notes when a task runs whose message the broker keeps until then. If it is revoked, its id is remembered for as
    /// long after that time as others after their revocation.
    func note(_ id: String, at time: Date) {
        state.withLockedValue { state in
            state.known.note(id, at: time)
            guard let revocation = state.times[id] else { return }
            state.keep(id, now: revocation)
        }
    }

    /// Adds values of a stamp: a task that carries one of them under that name is revoked.
    func insert(stamp name: String, values: [WireValue]) {
        state.withLockedValue { state in
            for value in values where state.stampCount < state.limits.maximumCount {
                if state.stamps[name]?.contains(value) == true { continue }
                state.stamps[name, default: []].append(value)
                state.stampCount += 1
            }
        }
        isUsed.store(true, ordering: .releasing)
    }

    /// The ids, the oldest first.
    func ids(now: Date) -> [String] {
        state.withLockedValue { state in
            state.purge(now: now)
            state.lasting = state.lasting.filter { $0.value > now }
            let old = state.lasting.filter { state.times[$0.key] == nil }.sorted { $0.value < $1.value }.map(\.key)
            return old + state.order.filter { state.times[$0.id] == $0.time }.map(\.id)
        }
    }

    func contains(_ request: TaskRequest, now: Date) -> Bool {
        guard isUsed.load(ordering: .acquiring) else { return false }
        return state.withLockedValue { state in
            if let time = state.times[request.id], !state.isExpired(time, now: now) { return true }
            if let end = state.lasting[request.id], end > now { return true }
            guard !state.stamps.isEmpty else { return false }
            return request.stamps.contains { name, value in
                guard let revoked = state.stamps[name] else { return false }
                return (value.arrayValue ?? [value]).contains { revoked.contains($0) }
            }
        }
    }
}
