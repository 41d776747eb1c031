import Foundation
import Logging

#if canImport(Glibc)
import Glibc
#endif

/// A worker (`ChaosWorker work`) or a producer (`ChaosWorker produce TASKS RATE KINDS [FIRST]`, whose units are numbered
/// from FIRST) of either dialect. The harness says by environment variables where the servers, the ledger and the limits
/// are.
@main enum ChaosWorker {
    static func main() async throws {
        var logger = Logger(label: "chaos") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .warning
        let words = Array(CommandLine.arguments.dropFirst())
        let setup = try Setup()
        let side: any Side = setup.isMachinery ? try MachinerySide(setup, logger) : try CelerySide(setup, logger)
        switch (words.first, words.dropFirst().compactMap { Double($0) }) {
        case ("work", _):
            try await side.work()
        case ("produce", let numbers) where words.count == numbers.count + 2 && 2...3 ~= numbers.count:
            let first = numbers.count > 2 ? Int(numbers[2]) : 0
            let units = Unit.list(tasks: Int(numbers[0]), kinds: words[3], first: first)
            try await Producer(side: side, ledger: setup.ledger, rate: numbers[1]).send(units)
        default:
            print("usage: ChaosWorker work | produce TASKS RATE KINDS [FIRST]")
            exit(64)
        }
        await side.close()
    }
}
