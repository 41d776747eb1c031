import CeleriacWire
import Foundation

/// A running Python interpreter, with a folder for its log.
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
        let output: ChildProcess.Stream = if case .socket = input { .socket } else { log }
        let ready = ["CELERIAC_PEER_READY": folder.path + "/ready"]
        child = try ChildProcess(
            installation.interpreter, arguments,
            environment: try peer.variables(of: installation).merging(ready) { $1 },
            input: input, output: output, error: log)
    }

    deinit {
        child.signal(9)
        folder.remove()
    }

    /// Waits until the worker reports that it consumes.
    func waitUntilReady() async throws {
        let deadline = ContinuousClock.now + .seconds(120)
        do {
            while !FileManager.default.fileExists(atPath: ready) {
                if let status = child.status { throw failure(.startFailed, "ended with \(status)") }
                if ContinuousClock.now > deadline { throw failure(.startFailed, "was not ready after a minute") }
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

extension PythonPeer {
    /// All environment variables of a process that has this application.
    func variables(of installation: PythonInstallation) throws -> [String: String] {
        let own = [
            "CELERIAC_PEER_SETTINGS": String(decoding: try WireJSON.encode(WireValue(settings)), as: UTF8.self),
            "PYTHONPATH": installation.modules,
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        ]
        // Celery prefers these two variables to the settings.
        return ProcessInfo.processInfo.environment
            .filter { $0.key != "CELERY_BROKER_URL" && $0.key != "CELERY_RESULT_BACKEND" }
            .merging(own) { $1 }.merging(environment) { $1 }
    }
}

/// A running Python Celery worker. It is killed when the object is released or this process ends.
public final class PythonWorker: Sendable {
    /// The worker's node name, which remote control uses.
    public let name: String
    private let process: PythonProcess

    /// The id of its main process.
    public var pid: Int32 { process.child.pid }

    /// Whether its main process is running.
    public var isRunning: Bool { process.child.status == nil }

    /// The log so far.
    public var log: String {
        String(decoding: FileManager.default.contents(atPath: process.log) ?? Data(), as: UTF8.self)
    }

    init(name: String, process: PythonProcess) {
        self.name = name
        self.process = process
    }

    /// Ends the worker with SIGTERM, after the tasks that are running, or by force after `grace`.
    public func stop(grace: Duration = .seconds(20)) async {
        await process.child.stop(grace: grace)
    }

    /// Ends the worker and its child processes with SIGKILL.
    public func kill() async {
        await process.child.kill()
    }
}

/// The location of a Python with Celery and of the Python peers' code.
package struct PythonInstallation: Sendable {
    /// The path of the interpreter.
    package let interpreter: String
    /// The folder of the module `celeriac_peer`.
    package let modules: String

    /// Finds the interpreter: the one in `CELERIAC_PYTHON`, or else the virtual environment that `Scripts/setup`
    /// creates in the package's folder.
    ///
    /// - Throws: ``TestKitError`` with code `missingProgram`.
    package static func find() throws(TestKitError) -> PythonInstallation {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        let named = ProcessInfo.processInfo.environment["CELERIAC_PYTHON"]?.nonEmpty
        let found = PythonInstallation(
            interpreter: named ?? root + "/.peers/venv/bin/python", modules: root + "/interop/python")
        guard FileManager.default.isExecutableFile(atPath: found.interpreter) else {
            throw TestKitError(
                .missingProgram,
                "\(found.interpreter) is missing; run Scripts/setup, or set CELERIAC_PYTHON to a Python with Celery")
        }
        guard FileManager.default.fileExists(atPath: found.modules + "/celeriac_peer/app.py") else {
            throw TestKitError(.missingProgram, "\(found.modules) is missing: the package was built in another place")
        }
        return found
    }
}
