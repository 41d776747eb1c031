import Celeriac

/// Publishes tasks at a steady rate, whatever becomes of the earlier ones: a producer that waited for a slow worker would
/// hide it.
struct PacedProducer {
    private static let senders = 8
    private static let pause = Duration.milliseconds(20)
    /// What one publication catches up at most after a pause of the broker.
    private static let largestBatch = 500

    let rate: Int
    let seconds: Int

    /// Sends until the time is over, and prints how many tasks the broker has confirmed, and after how many seconds.
    func run(_ send: @escaping @Sendable ([Signature<Int>]) async throws -> [AsyncResult<Int>]) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        let sent = try await withThrowingTaskGroup(of: Int.self) { group in
            for sender in 0..<Self.senders {
                group.addTask { try await self.send(from: sender, since: start, by: clock, send) }
            }
            return try await group.reduce(0, +)
        }
        print(#"{"sent": \#(sent), "seconds": \#((clock.now - start) / .seconds(1))}"#)
    }

    /// When all senders halt at the beginning, so that each then catches up as much as it may. A busy machine makes them
    /// halt at any time; buffers that have been as large as they can get do not look like a leak then.
    private func halts(from start: ContinuousClock.Instant) -> [Range<ContinuousClock.Instant>] {
        let length = min(.seconds(3), .seconds(seconds) / 40)
        return (1...3).map { number in
            let begin = start + .seconds(seconds) * number / 20
            return begin..<begin + length
        }
    }

    /// Sends one sender's part of the tasks: at each moment what is due by then.
    private func send(
        from sender: Int, since start: ContinuousClock.Instant, by clock: ContinuousClock,
        _ send: @Sendable ([Signature<Int>]) async throws -> [AsyncResult<Int>]
    ) async throws -> Int {
        let add = TaskDefinition<Int, Int, Int>("bench.add")
        let end = start + .seconds(seconds)
        let total = rate * seconds / Self.senders + (sender < rate * seconds % Self.senders ? 1 : 0)
        var sent = 0
        // The senders take turns within a pause.
        var next = start + Self.pause * sender / Self.senders
        let halts = halts(from: start)
        while sent < total {
            try await clock.sleep(until: min(next, end))
            if let halt = halts.first(where: { $0.contains(clock.now) }) {
                try await clock.sleep(until: halt.upperBound)
            }
            let share = min((clock.now - start) / .seconds(seconds), 1)
            let due = min(total, Int(Double(total) * share)) - sent
            if due > 0 {
                let batch = min(due, Self.largestBatch)
                _ = try await send((sent..<sent + batch).map { add($0, $0) })
                sent += batch
            }
            next = max(next + Self.pause, clock.now - Self.pause)
            if due > Self.largestBatch { next = clock.now }
        }
        return sent
    }
}
