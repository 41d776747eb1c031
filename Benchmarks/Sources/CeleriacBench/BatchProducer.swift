import Celeriac
import Glibc

/// Publishes tasks as fast as it can: one by one from 100 concurrent senders, or in batches one after another.
struct BatchProducer {
    private static let senders = 100

    let number: Int
    /// How many tasks a publication has; 1 for senders side by side.
    let batch: Int

    /// Sends all, and prints how long that has taken after the first task, which connects and declares.
    func run(by app: CeleryApp) async throws {
        let add = BenchTasks.add
        try await app.send(add(0, 0))
        let clock = ContinuousClock()
        let used = Self.processorSeconds()
        let elapsed = try await clock.measure {
            if batch > 1 {
                for begin in stride(from: 1, to: number, by: batch) {
                    try await app.send((begin..<min(begin + batch, number)).map { add($0, $0) })
                }
            } else {
                try await withThrowingTaskGroup { group in
                    for sender in 0..<Self.senders {
                        group.addTask {
                            for i in stride(from: 1 + sender, to: number, by: Self.senders) {
                                try await app.send(add(i, i))
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
        let seconds = elapsed / .seconds(1)
        let cpu = Self.processorSeconds() - used
        print(#"{"seconds": \#(seconds), "cpu": \#(cpu), "number": \#(number - 1)}"#)
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
