import CeleriacWire
import DequeModule
import NIOConcurrencyHelpers
import Synchronization

import struct FoundationEssentials.Date

/// The tasks that this worker is not to run: ids, and values of stamps. Bounded, so that nobody fills its memory.
final class RevokedTasks: Sendable {
    /// How many ids are kept: Celery's number.
    static let maximumCount = 50_000
    /// How long an id is kept, in seconds: Celery's number.
    static let lifetime = 10_800.0

    fileprivate struct State {
        /// Every id with the time of its last revocation.
        var times: [String: Date] = [:]
        /// Revocations, the oldest first. One that was repeated stands here with its old time too.
        var order = Deque<(id: String, time: Date)>()
        var stamps: [String: [WireValue]] = [:]
        var stampCount = 0
    }
    private let state = NIOLockedValueBox(State())
    /// Spares whoever checks the lock while nothing was ever revoked.
    private let isUsed = Synchronization.Atomic(false)

    /// Adds ids; past the bounds the oldest ones go.
    func insert(_ ids: some Sequence<String>, now: Date) {
        state.withLockedValue { state in
            for id in ids where state.times[id] != now {
                state.times[id] = now
                state.order.append((id, now))
            }
            state.purge(now: now)
        }
        isUsed.store(true, ordering: .releasing)
    }

    /// Adds values of stamps; a task that carries one of them under that name is revoked.
    func insert(stamp name: String, values: [WireValue]) {
        state.withLockedValue { state in
            for value in values where state.stampCount < Self.maximumCount {
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
            return state.order.filter { state.times[$0.id] == $0.time }.map(\.id)
        }
    }

    func contains(_ request: TaskRequest, now: Date) -> Bool {
        guard isUsed.load(ordering: .acquiring) else { return false }
        return state.withLockedValue { state in
            if let time = state.times[request.id], now.timeIntervalSince(time) < Self.lifetime { return true }
            guard !state.stamps.isEmpty else { return false }
            return request.stamps.contains { name, value in
                guard let revoked = state.stamps[name] else { return false }
                return (value.arrayValue ?? [value]).contains { revoked.contains($0) }
            }
        }
    }
}

extension RevokedTasks.State {
    /// Drops what is too old or too much, and what repeats have left behind.
    fileprivate mutating func purge(now: Date) {
        while let first = order.first {
            let isRepeated = times[first.id] != first.time
            let isExpired = now.timeIntervalSince(first.time) >= RevokedTasks.lifetime
            guard isRepeated || isExpired || times.count > RevokedTasks.maximumCount else { break }
            order.removeFirst()
            if !isRepeated { times[first.id] = nil }
        }
        // Repeats behind the oldest id are not reached above.
        if order.count > 2 * RevokedTasks.maximumCount {
            let times = times
            order.removeAll { times[$0.id] != $0.time }
        }
    }
}
