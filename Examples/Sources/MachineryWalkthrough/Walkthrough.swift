import Celeriac
import Foundation
import Logging

/// Machinery's walkthrough in Swift.
///
///     MachineryWalkthrough worker      serves the tasks until SIGINT or SIGTERM
///     MachineryWalkthrough send        sends them and prints the results
///     MachineryWalkthrough both        does both in one process: what `Scripts/check examples` runs
@main enum Walkthrough {
    static func main() async {
        do {
            try await walk()
        } catch {
            // What leaves `main` would end the process as a crash.
            try? FileHandle.standardError.write(contentsOf: Data("Error: \(error)\n".utf8))
            exit(1)
        }
    }

    private static func walk() async throws {
        LoggingSystem.bootstrap { StreamLogHandler.standardError(label: $0) }
        let server = try Server.start(ProcessInfo.processInfo.environment)
        switch CommandLine.arguments.dropFirst().first {
        case "worker": try await Server.worker(server).launch()
        case "send": try await Sender(server: server).run()
        case "both": try await runBoth(server)
        default:
            print("usage: MachineryWalkthrough worker | send | both")
            exit(64)
        }
        await server.close()
    }

    private static func runBoth(_ server: MachineryServer) async throws {
        let worker = Server.worker(server)
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
