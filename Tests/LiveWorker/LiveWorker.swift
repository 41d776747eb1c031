import Celeriac
import Foundation
import Logging
import ServiceLifecycle
import UnixSignals

/// A worker in a process of its own, which live tests can end by any signal and whose threads they can block.
///
/// Its settings are environment variables, all required: `LIVE_BROKER`, `LIVE_RESULTS`, `LIVE_CONCURRENCY`,
/// `LIVE_PREFETCH_MULTIPLIER`, `LIVE_VISIBILITY_TIMEOUT` in seconds, and `LIVE_READY`, a file that it makes once it
/// consumes.
@main enum LiveWorker {
    /// A setting is missing or no number.
    struct BadSetting: Error {
        let name: String
    }

    static func main() async throws {
        var configuration = CeleryConfiguration()
        configuration.redis.visibilityTimeout = .seconds(try number("LIVE_VISIBILITY_TIMEOUT"))
        let logger = Logger(label: "live-worker") { StreamLogHandler.standardError(label: $0) }
        let app = try CeleryApp(
            broker: try setting("LIVE_BROKER"), results: try setting("LIVE_RESULTS"), configuration: configuration,
            logger: logger)
        let worker = app.worker(
            WorkerConfiguration(
                queues: ["celery"], concurrency: try number("LIVE_CONCURRENCY"),
                prefetchMultiplier: try number("LIVE_PREFETCH_MULTIPLIER"))
        ) {
            TaskName<String, String, String, Void>("tasks.held").handled { path, text, gate in
                try append("\(text) swift", to: path + ".begun")
                while !gate.isEmpty, !FileManager.default.fileExists(atPath: gate) {
                    try await Task.sleep(for: .milliseconds(20))
                }
                try append("\(text) swift", to: path)
            }
            TaskName<String, String, Double, String>("tasks.block").handled { path, text, seconds in
                block(seconds)
                try append(text, to: path)
                return text
            }
        }
        let ready = try setting("LIVE_READY")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                await worker.ready()
                _ = FileManager.default.createFile(atPath: ready, contents: nil)
            }
            try await ServiceGroup(services: [worker], gracefulShutdownSignals: [.sigterm], logger: logger).run()
            try await group.waitForAll()
        }
        await app.close()
    }

    /// Holds the thread, as a careless handler does.
    private static func block(_ seconds: Double) { Thread.sleep(forTimeInterval: seconds) }

    /// Appends a line to a file in one write, so that processes can share it.
    private static func append(_ text: String, to path: String) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard file >= 0 else { throw CocoaError(.fileWriteUnknown) }
        defer { close(file) }
        let line = Array("\(text)\n".utf8)
        guard write(file, line, line.count) == line.count else { throw CocoaError(.fileWriteUnknown) }
    }

    private static func setting(_ name: String) throws -> String {
        guard let value = ProcessInfo.processInfo.environment[name] else { throw BadSetting(name: name) }
        return value
    }

    private static func number(_ name: String) throws -> Int {
        guard let number = Int(try setting(name)) else { throw BadSetting(name: name) }
        return number
    }
}
