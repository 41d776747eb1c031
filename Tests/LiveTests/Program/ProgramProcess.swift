import CeleriacTestKit
import Foundation
import Testing

/// A run of `LiveProgram`, a program with tasks that is built on `CeleriacCommand`.
struct ProgramProcess: Sendable {
    let child: ChildProcess
    private let log: String

    /// Starts the program. Its own settings name a broker that does not exist.
    init(_ arguments: [String], in folder: TemporaryFolder, variables: [String: String] = [:]) throws {
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = URL(filePath: tests).deletingLastPathComponent().appending(path: "LiveProgram").path
        log = "\(folder.path)/\(UUID().uuidString).log"
        // The settings of a developer's shell must not reach the tests.
        let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CELERY_") }
        child = try ChildProcess(
            program, arguments, environment: environment.merging(variables) { $1 }, output: .file(log),
            error: .file(log))
    }

    /// Starts a worker of a site's broker and waits until it says that it is ready.
    static func worker(_ site: BrokerSite, _ arguments: String..., named name: String = "w1") async throws
        -> ProgramProcess
    {
        try await worker(site, arguments: arguments, named: name)
    }

    /// Starts a worker as ``worker(_:_:named:)`` does.
    static func worker(_ site: BrokerSite, arguments: [String], named name: String = "w1") async throws
        -> ProgramProcess
    {
        let connection = ["-b", site.broker, "--result-backend", site.results, "-l", "INFO", "-n", "\(name)@live"]
        let process = try ProgramProcess(["worker"] + connection + arguments, in: site.folder)
        try await process.logs("\(name)@live ready.")
        return process
    }

    /// What it has printed and logged so far.
    var logged: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// Waits until it has printed or logged a text so often.
    func logs(_ text: String, times: Int = 1) async throws {
        try await until {
            if logged.ranges(of: text).count >= times { return true }
            try #require(child.status == nil, "the program ended: \(logged)")
            return false
        }
    }

    /// Waits for its end.
    ///
    /// - Returns: its status, and what it has printed and logged.
    func end() async -> (status: CeleriacTestKit.ExitStatus, logged: String) {
        let status = await child.wait()
        return (status, logged)
    }

    /// Asks it to stop and waits for its end.
    func stop(by signal: Int32 = SIGTERM) async -> (status: CeleriacTestKit.ExitStatus, logged: String) {
        child.signal(signal)
        return await end()
    }
}
