import Foundation
import Glibc
import NIOConcurrencyHelpers

/// The common part of the private servers: a folder, one main process with a log, and waiting until it is ready.
final class ServerProcess: Sendable {
    let name: String
    let folder: TemporaryFolder
    private let child = NIOLockedValueBox<ChildProcess?>(nil)

    var log: String { folder.path + "/server.log" }

    init(_ name: String) throws(TestKitError) {
        self.name = name
        folder = try TemporaryFolder(name)
    }

    deinit {
        if let child = child.withLockedValue({ $0 }) { child.signal(SIGKILL) }
        folder.remove()
    }

    /// The process id of the running server; nil while it is stopped.
    var pid: Int32? {
        child.withLockedValue { $0?.status == nil ? $0?.pid : nil }
    }

    /// Starts the program and waits until `isReady`, which receives its process id, returns true.
    ///
    /// - Throws: ``TestKitError`` with code `startFailed` and the end of the log if the program ends early or is not
    ///   ready within `patience`; by then it has been killed.
    func start(
        _ executable: String, _ arguments: [String], environment: [String: String]? = nil, patience: Duration,
        isReady: (Int32) async -> Bool
    ) async throws {
        let child = try ChildProcess(
            executable, arguments, environment: environment, output: .file(log), error: .file(log))
        self.child.withLockedValue { $0 = child }
        let deadline = ContinuousClock.now + patience
        do {
            while await !isReady(child.pid) {
                if let status = child.status { throw failure("ended with \(status)") }
                if ContinuousClock.now > deadline { throw failure("was not ready after \(patience)") }
                try await Task.sleep(for: .milliseconds(20))
            }
        } catch {
            await child.kill()
            throw error
        }
    }

    /// Ends the server with `signal`, or by force if it does not end within `grace`.
    func stop(by signal: Int32 = SIGTERM, grace: Duration) async {
        await child.withLockedValue { $0 }?.stop(by: signal, grace: grace)
    }

    /// Ends the server with SIGKILL.
    func kill() async {
        await child.withLockedValue { $0 }?.kill()
    }

    private func failure(_ what: String) -> TestKitError {
        TestKitError(.startFailed, "\(name) \(what); the end of its log:\n\(LogTail.of(log))")
    }
}
