import Celeriac
import Foundation
import Logging
import MachineryWire

/// The Swift counterpart of the programs in `../go`, configured by the same environment: `worker` serves the tasks
/// until SIGTERM, `produce` sends them and checks the results, and `periodic` sends a task to the queue `ticks` each
/// second until SIGTERM.
@main enum MachineryPeer {
    static func main() async throws {
        var logger = Logger(label: "machinery") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .info
        let environment = ProcessInfo.processInfo.environment
        var configuration = try MachineryConfiguration(environment: environment)
        configuration.redis.delayedTasksPollPeriod = 100
        // The Go programs' locks carry the name of their executable.
        configuration.programName = "producer"
        let server = try MachineryServer(configuration: configuration, logger: logger)
        switch CommandLine.arguments.dropFirst().first {
        case "worker":
            try await server.worker(consumerTag: "swift_worker", concurrency: 4) { Tasks.handlers }.launch()
        case "produce":
            let checks = Checks(server: server)
            await checks.run()
            await server.close()
            exit(checks.failed == 0 ? 0 : 1)
        case "periodic":
            var tick = MachinerySignature(name: "add")
            tick.routingKey = "ticks"
            try server.registerPeriodicTask("@every 1s", name: "tick", tick)
            try await server.run()
        default:
            print("usage: MachineryPeer worker | produce | periodic")
            exit(64)
        }
        await server.close()
    }
}
