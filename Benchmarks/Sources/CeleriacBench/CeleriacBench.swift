import Celeriac
import CeleriacBridge
import Foundation
import Logging

#if canImport(Glibc)
import Glibc
#endif

/// Benchmarks Celeriac as a worker (`CeleriacBench worker`), as a producer (`CeleriacBench produce NUMBER BATCH`), as a
/// producer at a steady rate (`CeleriacBench pace RATE SECONDS`), which may wait for its results (`CeleriacBench latency RATE
/// SECONDS`), and as a bridge (`CeleriacBench bridge FILE`).
@main enum CeleriacBench {
    private static let add = TaskDefinition<Int, Int, Int>("bench.add")

    static func main() async throws {
        var logger = Logger(label: "bench") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.count == 2, arguments.first == "bridge", let path = arguments.last {
            let file = try Data(contentsOf: URL(fileURLWithPath: path))
            return try await Bridge(yaml: [UInt8](file), logger: logger).launch()
        }
        let words = (arguments.first, arguments.dropFirst().compactMap { Int($0) })
        if environment("BENCH_DIALECT") == "machinery" { return try await MachineryBench.run(words, logger: logger) }
        let app = try CeleryApp(
            broker: environment("BENCH_BROKER") ?? "", results: environment("BENCH_RESULTS"),
            configuration: CeleryConfiguration(
                defaultQueue: environment("BENCH_QUEUE") ?? "",
                sendOptions: SendOptions(ignoresResult: environment("BENCH_RESULTS") == nil),
                resultExpiry: .seconds(resultExpiry)),
            logger: logger)
        switch words {
        case ("worker", _): try await work(app)
        case ("produce", let numbers) where numbers.count == 2:
            try await produce(app, number: numbers[0], batch: numbers[1])
        case ("pace", let numbers) where numbers.count == 2:
            try await PacedProducer(rate: numbers[0], seconds: numbers[1]).run { try await app.send($0) }
        case ("latency", let numbers) where numbers.count == 2:
            try await LatencyProducer(rate: numbers[0], seconds: numbers[1]).run { try await app.send($0) }
        default:
            print("usage: CeleriacBench worker | produce NUMBER BATCH | pace | latency RATE SECONDS | bridge FILE")
            exit(64)
        }
        await app.close()
    }

    private static func work(_ app: CeleryApp) async throws {
        let counter = try TaskCounter(path: environment("BENCH_COUNT"))
        let worker = app.worker(concurrency: 100) {
            add.handler { x, y in
                counter.increment()
                return x + y
            }
            LatencyProducer.handler
        }
        try await worker.launch()
    }

    /// Publishes tasks one by one from 100 concurrent senders if `batch` is 1, otherwise in batches.
    private static func produce(_ app: CeleryApp, number: Int, batch: Int) async throws {
        try await app.send(add(0, 0))  // Connects and declares.
        let clock = ContinuousClock()
        let used = processorSeconds()
        let elapsed = try await clock.measure {
            if batch > 1 {
                for begin in stride(from: 1, to: number, by: batch) {
                    try await app.send((begin..<min(begin + batch, number)).map { add($0, $0) })
                }
            } else {
                try await withThrowingTaskGroup { group in
                    for sender in 0..<100 {
                        group.addTask {
                            for i in stride(from: 1 + sender, to: number, by: 100) { try await app.send(add(i, i)) }
                        }
                    }
                    try await group.waitForAll()
                }
            }
        }
        let seconds = elapsed / .seconds(1)
        let cpu = processorSeconds() - used
        print(#"{"seconds": \#(seconds), "cpu": \#(cpu), "number": \#(number - 1)}"#)
    }

    /// How long results are kept, in seconds: a day as in Celery, unless the environment says otherwise.
    static var resultExpiry: Int { environment("BENCH_EXPIRY").flatMap { Int($0) } ?? 86_400 }

    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    private static func processorSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
