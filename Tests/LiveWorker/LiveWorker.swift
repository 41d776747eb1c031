import Celeriac
import Foundation
import Logging

/// A worker in a separate process, which live tests can end with any signal and whose threads they can block.
///
/// Its settings are environment variables, all required: `LIVE_DIALECT` (`celery` or `machinery`), `LIVE_BROKER`,
/// `LIVE_RESULTS`, `LIVE_CONCURRENCY`, `LIVE_PREFETCH_MULTIPLIER`, `LIVE_VISIBILITY_TIMEOUT` and `LIVE_STOP_TIMEOUT` in
/// seconds, `LIVE_QUEUE_TYPE` (RabbitMQ's; empty for the default), `LIVE_PAUSES` (`true` for a worker that pauses while
/// its result store is out of reach), `LIVE_NAME`, which its tasks record for the worker that ran them, and `LIVE_READY`, a file that it creates once it consumes.
@main enum LiveWorker {
    /// A setting is missing or is not a number.
    struct BadSetting: Error {
        let name: String
    }

    static func main() async {
        do {
            try await work()
        } catch {
            // What leaves `main` would end the process as a crash.
            try? FileHandle.standardError.write(contentsOf: Data("Error: \(error)\n".utf8))
            exit(1)
        }
    }

    private static func work() async throws {
        let logger = Logger(label: "live-worker") { StreamLogHandler.standardError(label: $0) }
        switch try setting("LIVE_DIALECT") {
        case "celery": try await celery(logger)
        case "machinery": try await machinery(logger)
        default: throw BadSetting(name: "LIVE_DIALECT")
        }
    }

    private static func celery(_ logger: Logger) async throws {
        let name = try setting("LIVE_NAME")
        var configuration = CeleryConfiguration()
        let timeout: Double = try number("LIVE_VISIBILITY_TIMEOUT")
        configuration.redis.visibilityTimeout = .seconds(timeout)
        configuration.amqp.defaultQueueArguments = try queueArguments()
        let app = try CeleryApp(
            broker: try setting("LIVE_BROKER"), results: try setting("LIVE_RESULTS"), configuration: configuration,
            logger: logger)
        var settings = WorkerConfiguration(
            queues: ["celery"], concurrency: try number("LIVE_CONCURRENCY"),
            prefetchMultiplier: try number("LIVE_PREFETCH_MULTIPLIER"), nodeName: "\(name)@live",
            stopTimeout: .seconds(try number("LIVE_STOP_TIMEOUT") as Double))
        settings.pausesWithoutResultStore = try number("LIVE_PAUSES")
        let worker = app.worker(settings) { tasks(of: name) }
        try await run {
            try await worker.launch()
        } isReady: {
            try await worker.ready()
        }
        await app.close()
    }

    private static func machinery(_ logger: Logger) async throws {
        let name = try setting("LIVE_NAME")
        let concurrency: Int = try number("LIVE_CONCURRENCY")
        let prefetch = concurrency * (try number("LIVE_PREFETCH_MULTIPLIER"))
        let server = try MachineryServer(
            configuration: MachineryConfiguration(
                broker: try setting("LIVE_BROKER"), resultBackend: try setting("LIVE_RESULTS"),
                amqp: MachineryAMQPOptions(prefetchCount: prefetch, queueDeclareArguments: try queueArguments()),
                redis: MachineryRedisSettings(claimTimeout: try number("LIVE_VISIBILITY_TIMEOUT"))),
            logger: logger)
        var settings = WorkerConfiguration(
            queues: ["machinery_tasks"], concurrency: concurrency, nodeName: "live",
            stopTimeout: .seconds(try number("LIVE_STOP_TIMEOUT") as Double))
        settings.pausesWithoutResultStore = try number("LIVE_PAUSES")
        let worker = server.worker(settings) { tasks(of: name) }
        try await run {
            try await worker.launch()
        } isReady: {
            try await worker.ready()
        }
        await server.close()
    }

    @TaskHandlerBuilder private static func tasks(of name: String) -> [TaskHandler] {
        TaskDefinition<String, String, String, String>("tasks.held").handler { path, text, gate in
            try append("\(text) \(name)", to: path + ".begun")
            while !gate.isEmpty, !FileManager.default.fileExists(atPath: gate) {
                try await Task.sleep(for: .milliseconds(20))
            }
            try append("\(text) \(name)", to: path)
            return text
        }
        TaskDefinition<String, String, String, String>("tasks.die").handler { path, text, _ in
            try append("\(text) \(name)", to: path + ".begun")
            kill(getpid(), SIGKILL)
            return text
        }
        TaskDefinition<String, String, Double, String>("tasks.last").handler { path, text, seconds in
            try append("\(text) \(name)", to: path + ".begun")
            try await Task.sleep(for: .seconds(seconds))
            try append("\(text) \(name)", to: path)
            return text
        }
        TaskDefinition<String, String, Double, String>("tasks.block").handler { path, text, seconds in
            block(seconds)
            try append(text, to: path)
            return text
        }
    }

    private static func queueArguments() throws -> WireObject {
        let type = try setting("LIVE_QUEUE_TYPE")
        return type.isEmpty ? [:] : ["x-queue-type": .string(type)]
    }

    private static func run(
        _ launch: () async throws -> Void, isReady: @escaping @Sendable () async throws -> Void
    ) async throws {
        let ready = try setting("LIVE_READY")
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // A worker that never was ready ends with its launch, which says why.
                guard (try? await isReady()) != nil else { return }
                _ = FileManager.default.createFile(atPath: ready, contents: nil)
            }
            try await launch()
            try await group.waitForAll()
        }
    }

    /// Blocks the thread, as a careless handler does.
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

    private static func number<Number: LosslessStringConvertible>(_ name: String) throws -> Number {
        guard let number = Number(try setting(name)) else { throw BadSetting(name: name) }
        return number
    }
}
