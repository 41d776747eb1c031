#if Redis
import CeleriacTestKit
import Foundation
import Testing

/// A running `celeriac bridge`.
struct BridgeProcess: Sendable {
    let child: ChildProcess
    private let log: String

    /// Starts a bridge and waits until its routes are open.
    ///
    /// - Parameters:
    ///   - file: the path of its file.
    ///   - routes: how many routes the file has.
    /// - Returns: the bridge.
    /// - Throws: `TestKitError`, or an expectation's error if it ends before.
    static func start(_ file: String, routes: Int = 1) async throws -> BridgeProcess {
        let bridge = try BridgeProcess(file)
        try await bridge.logs("a route is open", times: routes)
        return bridge
    }

    private init(_ file: String) throws {
        log = "\(file).\(UUID().uuidString).log"
        child = try ChildProcess(
            try Self.program, ["bridge", "run", file], output: .file(log), error: .file(log))
    }

    /// Runs another verb of the bridge to its end.
    ///
    /// - Returns: its status, and what it has printed.
    static func run(_ arguments: String..., in folder: TemporaryFolder) async throws
        -> (status: CeleriacTestKit.ExitStatus, output: String)
    {
        let output = "\(folder.path)/\(UUID().uuidString).out"
        let child = try ChildProcess(
            try program, ["bridge"] + arguments, output: .file(output), error: .file(output))
        let status = await child.wait()
        return (status, (try? String(contentsOfFile: output, encoding: .utf8)) ?? "")
    }

    private static var program: String {
        get throws {
            let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            return URL(filePath: tests).deletingLastPathComponent().appending(path: "celeriac").path
        }
    }

    /// What it has logged so far.
    var logged: String { (try? String(contentsOfFile: log, encoding: .utf8)) ?? "" }

    /// Waits until it has logged a text so often.
    func logs(_ text: String, times: Int = 1) async throws {
        try await until {
            if logged.ranges(of: text).count >= times { return true }
            try #require(child.status == nil, "the bridge has ended: \(logged)")
            return false
        }
    }

    /// Asks it to stop and waits for its end.
    func stop() async -> CeleriacTestKit.ExitStatus {
        child.signal(SIGTERM)
        return await child.wait()
    }
}
#endif
