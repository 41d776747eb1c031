import Celeriac

#if canImport(Glibc)
import Glibc
#endif

/// Sends tasks one by one at a steady rate and waits for the result of each: after how long it began, and after how long its
/// result was there.
struct LatencyProducer {
    /// How old a time is when the task begins. Both are in microseconds of the machine's monotonic clock.
    static let age = TaskDefinition<Int, Int>("bench.age")
    /// The part of the tasks, the first ones, that is not told: connections open, buffers grow.
    private static let warmUp = 5

    private struct Sample: Sendable {
        let index: Int
        let begun: Int
        let ended: Int
    }

    let rate: Int
    let seconds: Int

    /// The handler of its task.
    static var handler: TaskHandler { age.handler { microseconds() - $0 } }

    /// Sends until the time is over, and prints percentiles in microseconds.
    func run(_ send: @escaping @Sendable (Signature<Int>) async throws -> AsyncResult<Int>) async throws {
        let start = ContinuousClock.now
        let total = rate * seconds
        let samples = try await withThrowingTaskGroup(of: Sample.self) { group in
            for index in 0..<total {
                try await Task.sleep(until: start + .seconds(Double(index) / Double(rate)), clock: .continuous)
                group.addTask {
                    let sent = Self.microseconds()
                    let begun = try await send(Self.age(sent)).get(timeout: .seconds(60))
                    return Sample(index: index, begun: begun, ended: Self.microseconds() - sent)
                }
            }
            return try await group.reduce(into: [Sample]()) { $0.append($1) }
        }
        let told = samples.filter { $0.index >= total / Self.warmUp }
        let (begun, ended) = (told.map(\.begun).sorted(), told.map(\.ended).sorted())
        let text = #""begun": \#(Self.percentiles(begun)), "ended": \#(Self.percentiles(ended))"#
        print(#"{"sent": \#(samples.count), \#(text)}"#)
    }

    private static func percentiles(_ sorted: [Int]) -> String {
        func at(_ percent: Int) -> Int {
            let index = min(sorted.count - 1, sorted.count * percent / 100)
            return sorted.indices.contains(index) ? sorted[index] : 0
        }
        return #"{"p50": \#(at(50)), "p99": \#(at(99))}"#
    }

    private static func microseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int(time.tv_sec) * 1_000_000 + Int(time.tv_nsec) / 1000
    }
}
