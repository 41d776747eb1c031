import Celeriac
import Foundation
import Logging

/// Machinery's walkthrough in Swift.
///
///     MachineryWalkthrough worker      serves the tasks until SIGINT or SIGTERM
///     MachineryWalkthrough send        sends them and prints the results
///     MachineryWalkthrough both        does both in one process: what `Scripts/check examples` runs
@main enum Walkthrough {
    static func main() async throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        let server = try Server.start(ProcessInfo.processInfo.environment)
        switch CommandLine.arguments.dropFirst().first {
        case "worker": try await makeWorker(server).launch()
        case "send": try await Sender(server: server).run()
        case "both": try await runBoth(server)
        default:
            print("usage: MachineryWalkthrough worker | send | both")
            exit(64)
        }
        await server.close()
    }

    private static func makeWorker(_ server: MachineryServer) -> MachineryWorker {
        let logger = Logger(label: "walkthrough")
        // Concurrency 0: as many tasks at once as the prefetch count allows, or on Redis twice the number of processors.
        let worker = server.makeWorker(consumerTag: "machinery_worker", concurrency: 0)
        worker.onError { error in
            // A failure's description leaves out its text, which may be a user's.
            let text = (error as? TaskFailure)?.arguments.first?.stringValue ?? "\(error)"
            logger.error("I am an error handler: \(text)")
        }
        worker.onPreTask { signature in logger.info("I am a start of task handler for: \(signature.name)") }
        worker.onPostTask { signature in logger.info("I am an end of task handler for: \(signature.name)") }
        return worker
    }

    private static func runBoth(_ server: MachineryServer) async throws {
        let worker = makeWorker(server)
        async let work: Void = worker.run()
        try await worker.ready()
        do {
            try await Sender(server: server).run()
        } catch {
            worker.stop()
            throw error
        }
        worker.stop()
        try await work
    }
}
