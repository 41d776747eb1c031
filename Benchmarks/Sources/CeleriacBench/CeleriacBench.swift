import CeleriacBridge
import Foundation
import Logging

#if canImport(Glibc)
import Glibc
#endif

/// Benchmarks Celeriac as a worker (`CeleriacBench worker`), as a producer (`produce NUMBER BATCH`), as a producer at a steady
/// rate (`pace RATE SECONDS [HALTS]`), which may wait for its results (`latency RATE SECONDS`), as one of workflows (`chains
/// NUMBER LENGTH`, `chords NUMBER SIZE`), and as a bridge (`bridge FILE`). The environment says the rest: `BenchSettings`.
@main enum CeleriacBench {
    static func main() async throws {
        var logger = Logger(label: "bench") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        let words = Array(CommandLine.arguments.dropFirst())
        if words.count == 2, words[0] == "bridge" {
            let file = try Data(contentsOf: URL(fileURLWithPath: words[1]))
            return try await Bridge(yaml: [UInt8](file), logger: logger).launch()
        }
        let settings = BenchSettings()
        Telemetry.bootstrap(settings.telemetry)
        let numbers = words.dropFirst().compactMap { Int($0) }
        let isDone =
            try await settings.isMachinery
            ? MachineryBench.run(words.first, numbers, settings, logger: logger)
            : CeleryBench.run(words.first, numbers, settings, logger: logger)
        if isDone { return }
        print("usage: CeleriacBench worker | produce NUMBER BATCH | pace RATE SECONDS [HALTS] | latency RATE SECONDS")
        print("       | chains NUMBER LENGTH | chords NUMBER SIZE | bridge FILE")
        exit(64)
    }
}
