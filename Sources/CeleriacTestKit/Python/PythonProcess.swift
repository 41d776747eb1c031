import CeleriacWire
import Foundation

/// A running Python interpreter with a folder for its log.
final class PythonProcess: Sendable {
    let role: String
    let child: ChildProcess
    private let folder: TemporaryFolder

    var log: String { folder.path + "/log" }
    private var ready: String { folder.path + "/ready" }

    init(_ role: String, peer: PythonPeer, _ arguments: [String], input: ChildProcess.Stream) throws {
        let installation = try PythonInstallation.find()
        self.role = role
        folder = try TemporaryFolder("python")
        let log = ChildProcess.Stream.file(folder.path + "/log")
        let variables = [
            "CELERIAC_PEER_SETTINGS": String(decoding: try WireJSON.encode(WireValue(peer.settings)), as: UTF8.self),
            "CELERIAC_PEER_READY": folder.path + "/ready",
            "PYTHONPATH": installation.modules,
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        ]
        let inherited = ProcessInfo.processInfo.environment
            // Celery prefers its own two to what the settings say.
            .filter { $0.key != "CELERY_BROKER_URL" && $0.key != "CELERY_RESULT_BACKEND" }
        let output: ChildProcess.Stream = if case .socket = input { .socket } else { log }
        child = try ChildProcess(
            installation.interpreter, arguments,
            environment: inherited.merging(variables) { $1 }.merging(peer.environment) { $1 },
            input: input, output: output, error: log)
    }

    deinit {
        child.signal(9)
        folder.remove()
    }

    /// Waits until the worker in it has said that it consumes.
    func waitUntilReady() async throws {
        let deadline = ContinuousClock.now + .seconds(60)
        do {
            while !FileManager.default.fileExists(atPath: ready) {
                if let status = child.status { throw failure(.startFailed, "ended with \(status)") }
                if ContinuousClock.now > deadline { throw failure(.startFailed, "did not become ready in a minute") }
                try await Task.sleep(for: .milliseconds(20))
            }
        } catch {
            await child.kill()
            throw error
        }
    }

    func failure(_ code: TestKitError.Code, _ what: String) -> TestKitError {
        TestKitError(code, "the Python \(role) \(what); the end of its log:\n\(LogTail.of(log))")
    }
}
