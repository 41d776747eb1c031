import CeleriacTestKit
import Foundation
import Testing

/// A Swift worker in a process of its own.
struct LiveWorkerProcess: Sendable {
    let child: ChildProcess
    private let log: String

    /// Starts a worker and waits until it consumes.
    ///
    /// - Parameters:
    ///   - site: Where it works.
    ///   - name: The name by which its tasks say who ran them.
    ///   - concurrency: How many tasks it runs at once.
    ///   - prefetchMultiplier: How many messages it holds for each of them.
    /// - Returns: The running worker.
    /// - Throws: `TestKitError` when it cannot be started, or an expectation's error when it ends early.
    static func start(
        on site: some LiveSite, name: String = "swift", concurrency: Int = 4, prefetchMultiplier: Int = 6
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
        environment["LIVE_NAME"] = name
        environment["LIVE_READY"] = ready
        let child = try ChildProcess(
            program, [], environment: environment, output: .file(log), error: .file(log))
        let worker = LiveWorkerProcess(child: child, log: log)
        try await until {
            try #require(child.status == nil, "the worker ended: \(worker.logged)")
            return FileManager.default.fileExists(atPath: ready)
        }
        return worker
    }

    /// What it has logged so far.
    var logged: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// Asks it to stop and waits for its end.
    func stop() async -> CeleriacTestKit.ExitStatus {
        child.signal(SIGTERM)
        return await child.wait()
    }
}
