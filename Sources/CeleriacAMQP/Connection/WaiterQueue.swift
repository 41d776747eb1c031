#if AMQP

internal import DequeModule
internal import NIOCore

/// The callers who wait, oldest first. All wait equally long, so that the oldest has the next deadline.
struct WaiterQueue {
    private var waiters = Deque<Waiter>()
    private var cleanupAt = 64

    /// The next deadline to watch; the waiter may have been answered meanwhile.
    var nextDeadline: NIODeadline? { waiters.first?.deadline }

    mutating func add(_ waiter: Waiter) {
        if waiters.count >= cleanupAt {
            waiters.removeAll(where: \.isSettled)
            cleanupAt = max(64, waiters.count * 2)
        }
        waiters.append(waiter)
    }

    /// Removes and returns who waited too long; those answered meanwhile are dropped with them.
    mutating func removeExpired(_ now: NIODeadline) -> [Waiter] {
        var expired: [Waiter] = []
        while let first = waiters.first, first.isSettled || first.deadline <= now {
            waiters.removeFirst()
            if !first.isSettled { expired.append(first) }
        }
        return expired
    }

    /// The waiter of this id, which grow with time.
    func waiter(_ id: UInt64) -> Waiter? {
        var low = 0
        var high = waiters.count
        while low < high {
            let middle = (low + high) / 2
            if waiters[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < waiters.count && waiters[low].id == id ? waiters[low] : nil
    }

    /// Removes and returns all who still wait.
    mutating func removeAll() -> [Waiter] {
        defer { waiters.removeAll() }
        return waiters.filter { !$0.isSettled }
    }
}

#endif
