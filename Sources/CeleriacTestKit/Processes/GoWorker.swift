import Foundation

/// A running worker of the real Go Machinery, with the tasks of `interop/go/peer/tasks.go`. It is killed when the object is
/// released or this process ends.
///
/// It needs Go, and Machinery's module from where Go's own variables (`GOPROXY`, `GOFLAGS`) say. It is built once in a process.
public final class GoWorker: Sendable {
    private let process: ServerProcess

    /// Whether Go is installed.
    public static var isAvailable: Bool { (try? go()) != nil }

    /// Whether it is running.
    public var isRunning: Bool { process.pid != nil }

    /// The log so far.
    public var log: String {
        String(decoding: FileManager.default.contents(atPath: process.log) ?? Data(), as: UTF8.self)
    }

    /// Starts a worker and waits until it takes messages. It serves the queue `machinery_tasks`.
    ///
    /// - Parameters:
    ///   - broker: the broker's URL, `redis://` or `amqp://`.
    ///   - results: the URL of the result backend.
    ///   - environment: further variables, as `interop/go/peer/peer.go` names them.
    /// - Returns: the running worker.
    /// - Throws: ``TestKitError``: `missingProgram` without Go, `commandFailed` if it cannot be built, for instance because
    ///   the module cannot be had, `startFailed` with the end of its log if it does not start.
    public static func start(
        broker: String, results: String, environment: [String: String] = [:]
    ) async throws -> GoWorker {
        let program = try await GoBuild.shared.worker()
        let process = try ServerProcess("go-worker")
        let worker = GoWorker(process: process)
        let variables = ProcessInfo.processInfo.environment
            .merging(["BROKER": broker, "RESULT_BACKEND": results]) { $1 }.merging(environment) { $1 }
        try await process.start(program, [], environment: variables, patience: .seconds(60)) { _ in
            worker.log.contains("Waiting for messages")
        }
        return worker
    }

    private init(process: ServerProcess) { self.process = process }

    /// Ends the worker with SIGTERM, after the tasks that are running, or by force after `grace`.
    public func stop(grace: Duration = .seconds(20)) async { await process.stop(grace: grace) }

    /// Ends the worker with SIGKILL.
    public func kill() async { await process.kill() }

    fileprivate static func go() throws(TestKitError) -> String {
        try Program.find("go", in: ["/usr/local/go/bin"], install: "Go, see https://go.dev/doc/install")
    }
}

/// Builds the program of the workers once for all tests of this process.
private actor GoBuild {
    static let shared = GoBuild()
    private var build: Task<String, any Error>?

    /// The path of the program.
    func worker() async throws -> String {
        if let build { return try await build.value }
        let first = Task { try await Self.make() }
        build = first
        return try await first.value
    }

    /// Builds a copy, because Go writes beside what it builds. The end of this process removes it.
    private static func make() async throws -> String {
        let go = try GoWorker.go()
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        let folder = try TemporaryFolder("go")
        for name in ["go.mod", "peer", "worker"] {
            try FileManager.default.copyItem(atPath: "\(root)/interop/go/\(name)", toPath: "\(folder.path)/\(name)")
        }
        let program = folder.path + "/bin/worker"
        try await Program.run(go, ["build", "-C", folder.path, "-mod=mod", "-o", program, "./worker"])
        return program
    }
}
