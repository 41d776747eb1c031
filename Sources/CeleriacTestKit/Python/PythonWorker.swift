import Foundation

/// A running Python Celery worker. It is killed when the object is released or this process ends.
public final class PythonWorker: Sendable {
    /// The worker's node name, as remote control knows it.
    public let name: String
    private let process: PythonProcess

    /// The process id of its main process.
    public var pid: Int32 { process.child.pid }

    /// Whether its main process runs.
    public var isRunning: Bool { process.child.status == nil }

    /// What it has logged so far.
    public var log: String {
        String(decoding: FileManager.default.contents(atPath: process.log) ?? Data(), as: UTF8.self)
    }

    init(name: String, process: PythonProcess) {
        self.name = name
        self.process = process
    }

    /// Ends the worker as SIGTERM does, after the tasks that run now, or by force after `grace`.
    public func stop(grace: Duration = .seconds(20)) async {
        await process.child.stop(grace: grace)
    }

    /// Ends the worker and its child processes by SIGKILL.
    public func kill() async {
        await process.child.kill()
    }
}
