import CeleriacTestKit
import Foundation
import Testing

/// A Swift worker in a separate process.
struct LiveWorkerProcess: Sendable {
    let child: ChildProcess
    private let log: String

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
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = URL(filePath: tests).deletingLastPathComponent().appending(path: "LiveWorker").path
        let files = "\(site.folder.path)/\(UUID().uuidString)"
        let ready = "\(files).ready"
        let log = "\(files).log"
        var environment = ProcessInfo.processInfo.environment
        environment["LIVE_DIALECT"] = site.dialect
        environment["LIVE_BROKER"] = site.broker
        environment["LIVE_RESULTS"] = site.results
        environment["LIVE_CONCURRENCY"] = "\(concurrency)"
        environment["LIVE_PREFETCH_MULTIPLIER"] = "\(prefetchMultiplier)"
        environment["LIVE_VISIBILITY_TIMEOUT"] = "\(site.visibilityTimeout)"
        environment["LIVE_STOP_TIMEOUT"] = "\(stopTimeout)"
        environment["LIVE_NAME"] = name
        environment["LIVE_READY"] = ready
        let child = try ChildProcess(
            program, [], environment: environment, output: .file(log), error: .file(log))
        let worker = LiveWorkerProcess(child: child, log: log)
        try await until {
            try #require(child.status == nil, "the worker ended: \(worker.logged)")
            return text.map { worker.logged.contains($0) } ?? FileManager.default.fileExists(atPath: ready)
        }
        return worker
    }

    /// The log so far.
    var logged: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// Asks the worker to stop and waits for it to end.
    func stop() async -> CeleriacTestKit.ExitStatus {
        child.signal(SIGTERM)
        return await child.wait()
    }
}
