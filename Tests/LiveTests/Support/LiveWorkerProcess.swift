import CeleriacTestKit
import Foundation
import Testing

/// A Swift worker in a separate process.
struct LiveWorkerProcess: Sendable {
    let child: ChildProcess
    private let log: String
    /// A file that the worker creates once it consumes.
    private let ready: String

    /// Starts a worker and waits until it consumes, or until it has logged something else.
    ///
    /// - Parameters:
    ///   - site: The broker and the result store.
    ///   - name: The name that its tasks record for the worker that ran them.
    ///   - concurrency: How many tasks it runs at once.
    ///   - prefetchMultiplier: How many messages it holds for each of its concurrent tasks.
    ///   - stopTimeout: How many seconds its stop may take.
    ///   - text: The text in its log to wait for; nil to wait until it consumes.
    /// - Returns: The running worker.
    /// - Throws: `TestKitError` if the worker cannot be started, or an expectation's error if it ends early.
    static func start(
        on site: some LiveSite, name: String = "swift", concurrency: Int = 4, prefetchMultiplier: Int = 6,
        stopTimeout: Double = 25, untilLogged text: String? = nil
    ) async throws -> LiveWorkerProcess {
        let worker = try launch(
            dialect: site.dialect, broker: site.broker, results: site.results, folder: site.folder,
            visibilityTimeout: site.visibilityTimeout, name: name, concurrency: concurrency,
            prefetchMultiplier: prefetchMultiplier, stopTimeout: stopTimeout)
        try await worker.consumes(orLogs: text)
        return worker
    }

    /// Starts a worker, which may end before it has consumed.
    static func launch(
        dialect: String, broker: String, results: String, folder: TemporaryFolder, visibilityTimeout: Double = 3600,
        queueType: String = "", name: String = "swift", concurrency: Int = 4, prefetchMultiplier: Int = 6,
        stopTimeout: Double = 25, pausesWithoutResultStore: Bool = false
    ) throws -> LiveWorkerProcess {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = URL(filePath: tests).deletingLastPathComponent().appending(path: "LiveWorker").path
        let files = "\(folder.path)/\(UUID().uuidString)"
        let ready = "\(files).ready"
        let log = "\(files).log"
        var environment = ProcessInfo.processInfo.environment
        environment["LIVE_DIALECT"] = dialect
        environment["LIVE_BROKER"] = broker
        environment["LIVE_RESULTS"] = results
        environment["LIVE_CONCURRENCY"] = "\(concurrency)"
        environment["LIVE_PREFETCH_MULTIPLIER"] = "\(prefetchMultiplier)"
        environment["LIVE_VISIBILITY_TIMEOUT"] = "\(visibilityTimeout)"
        environment["LIVE_STOP_TIMEOUT"] = "\(stopTimeout)"
        environment["LIVE_QUEUE_TYPE"] = queueType
        environment["LIVE_PAUSES"] = "\(pausesWithoutResultStore)"
        environment["LIVE_NAME"] = name
        environment["LIVE_READY"] = ready
        let child = try ChildProcess(
            program, [], environment: environment, output: .file(log), error: .file(log))
        return LiveWorkerProcess(child: child, log: log, ready: ready)
    }

    /// Waits until the worker consumes, or until it has logged something else.
    func consumes(orLogs text: String? = nil) async throws {
        try await until {
            try #require(child.status == nil, "the worker ended: \(logged)")
            return text.map { logged.contains($0) } ?? FileManager.default.fileExists(atPath: ready)
        }
    }

    /// The log so far.
    var logged: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// Asks the worker to stop and waits for it to end.
    func stop() async -> CeleriacTestKit.ExitStatus {
        child.signal(SIGTERM)
        return await child.wait()
    }
}
