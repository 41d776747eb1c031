import Celeriac
import Foundation
import Logging

/// `MachineryPeer worker` serves the tasks until SIGTERM; `MachineryPeer produce` sends them and checks the results.
@main enum MachineryPeer {
    static func main() async throws {
        var logger = Logger(label: "machinery") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .notice
        let environment = ProcessInfo.processInfo.environment
        let server = try MachineryServer(
            configuration: MachineryConfiguration(environment: environment), logger: logger)
        server.register { Tasks.handlers }
        switch CommandLine.arguments.dropFirst().first {
        case "worker": try await server.makeWorker(consumerTag: "swift_worker", concurrency: 4).launch()
        case "produce": try await Producer(server: server).run()
        default:
            print("usage: MachineryPeer worker | produce")
            exit(64)
        }
        await server.close()
    }
}
