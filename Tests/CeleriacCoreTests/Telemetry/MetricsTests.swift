import CeleriacTestKit
import CeleriacWire
import FoundationEssentials
import Metrics
import MetricsTestKit
import NIOConcurrencyHelpers
import Testing

@testable import CeleriacCore

private let echo = TaskDefinition<String, String>("echo")

@Suite("Metrics of tasks", .timeLimit(.minutes(5))) struct MetricsTests {
    private let metrics = TestMetrics()
    private let gate = Gate()

    private func bench(stampsTimes: Bool = false) -> Bench {
        var sending = ClientConfiguration(defaultQueue: "q")
        sending.metrics = metrics
        sending.stampsSendTimes = stampsTimes
        return Bench(sending: sending)
    }

    /// A worker whose task does what its argument says.
    private func worker(at bench: Bench) -> TaskWorker {
        bench.worker(concurrency: 1) {
            $0.metrics = metrics
        } handlers: {
            echo.handler { [gate] context, text in
                switch text {
                case "fail": throw TaskFailure("E", "no")
                case "retry": try context.retry(after: .seconds(60))
                case "ignore": throw IgnoreResult()
                case "reject": throw Rejection(requeue: false)
                case "wait": await gate.wait()
                default: break
                }
                return text
            }
        }
    }

    private func total(_ name: MetricName, _ dimensions: [(String, String)] = []) -> Int64 {
        metrics.counterTotal(label: name.rawValue, dimensions: dimensions)
    }

    /// The runtimes of `echo`.
    private var runtimes: [Int64] {
        metrics.timers(label: MetricName.runtime.rawValue, dimensions: [("task", "echo"), ("queue", "q")])
            .flatMap(\.values)
    }

    private func gauge(_ name: MetricName) throws -> [Double] {
        try metrics.expectMeter(name.rawValue, [("worker", "w@test")]).values
    }

    @Test("tasks are counted by how they end, with their names and queues")
    func ends() async throws {
        let bench = bench()
        let worker = worker(at: bench)
        for text in ["a", "b", "fail", "retry", "ignore", "reject"] { _ = try await bench.client.send(echo(text)) }
        let late = bench.timers.now.addingTimeInterval(-1)
        _ = try await bench.client.send(echo("late"), expires: late)
        let both = [("task", "echo"), ("queue", "q")]
        try await bench.run(worker) {
            // The retry is sent and received as well.
            await until { runtimes.count == 6 && total(.expired) == 1 && total(.received, both) == 7 }
        }
        #expect(total(.sent, both) == 8 && total(.received, both) == 7)
        for (name, count) in [(MetricName.succeeded, 2), (.failed, 2), (.retried, 1), (.expired, 1)] {
            #expect(total(name, both) == Int64(count), "\(name)")
        }
        #expect(total(.revoked) == 0)
    }

    @Test("what is parked is counted by reason, and names from outside are no dimension")
    func parked() async throws {
        let bench = bench()
        let worker = worker(at: bench)
        let unknown: Signature<WireValue> = Signature("made up", arguments: [])
        _ = try await bench.client.send(unknown)
        try await bench.run(worker) {
            await until { total(.parked) == 1 && total(.failed) == 1 }
        }
        #expect(total(.parked, [("queue", "q"), ("reason", "unregistered")]) == 1)
        #expect(total(.failed, [("task", "unregistered"), ("queue", "q")]) == 1)
    }

    @Test("gauges show what runs and what is held, and are zero in the end")
    func gauges() async throws {
        let bench = bench()
        let worker = worker(at: bench)
        for text in ["wait", "a", "b"] { _ = try await bench.client.send(echo(text)) }
        let eta = bench.timers.now.addingTimeInterval(60)
        _ = try await bench.client.send(echo("later"), eta: eta)
        try await bench.run(worker) {
            await until {
                (try? gauge(.running).last) == 1 && (try? gauge(.prefetched).last) == 3
                    && (try? gauge(.scheduled).last) == 1
            }
            gate.open()
            await until { total(.succeeded) == 3 }
            bench.timers.advance(by: .seconds(60))
            await until { total(.succeeded) == 4 }
            await until { (try? gauge(.prefetched).last) == 0 }
        }
        #expect(try gauge(.running).last == 0)
        #expect(try gauge(.prefetched).last == 0)
        #expect(try gauge(.scheduled).last == 0)
    }

    @Test("the time in the queue is measured from when the message was sent, or from its ETA")
    func queueTime() async throws {
        let bench = bench(stampsTimes: true)
        let worker = worker(at: bench)
        _ = try await bench.client.send(echo("a"))
        bench.timers.advance(by: .seconds(5))
        let eta = bench.timers.now.addingTimeInterval(-2)
        _ = try await bench.client.send(echo("b"), eta: eta)
        bench.timers.advance(by: .seconds(3))
        try await bench.run(worker) { await until { total(.succeeded) == 2 } }
        let timer = try metrics.expectTimer(MetricName.queueTime.rawValue, [("task", "echo"), ("queue", "q")])
        #expect(timer.values.map { (Double($0) / 1e8).rounded() / 10 }.sorted() == [3, 8])
    }

    @Test("a message's own time is read as a number and as text, and nothing else is")
    func sendTimes() throws {
        let parts = Parts { TaskHandler("work") { _ in .null } }
        func start(_ value: WireValue?, eta: Double? = nil) throws -> Double? {
            let request = try parts.job {
                $0.headers[SendTime.header] = value
                $0.eta = eta.map { Date(timeIntervalSince1970: $0) }
            }.request
            return SendTime.start(of: request)?.timeIntervalSince1970
        }
        #expect(try start(1500) == 1.5)
        #expect(try start("1500") == 1.5)
        #expect(try start(1500, eta: 3) == 3)
        #expect(try start(1500, eta: 1) == 1.5)
        #expect(try start(nil) == nil)
        #expect(try start("soon") == nil)
        #expect(try start(.double(.nan)) == nil)
        #expect(try start([1]) == nil)
    }

    @Test("there are only so many pairs of values")
    func bounds() {
        let metric = DimensionedMetric(.sent, limit: 2) { [metrics] in
            Counter(label: "c", dimensions: $0, factory: metrics)
        }
        for name in ["a", "b", "c", "d", "a"] { metric[name, "q"].increment() }
        #expect(metrics.counterTotal(label: "c", dimensions: [("task", "a")]) == 2)
        #expect(metrics.counterTotal(label: "c", dimensions: [("task", "other"), ("queue", "other")]) == 2)
        #expect(metrics.counters(label: "c").count == 3)
    }
}
