public import CeleriacWire
import Foundation

/// A real Python Celery application to exchange tasks with: its settings, from which workers and drivers are started.
///
/// The application is `interop/python/celeriac_peer`. Its tasks are in its `tasks.py`, and their names start with
/// `tasks.`.
public struct PythonPeer: Sendable {
    /// How a worker runs its tasks.
    public enum Pool: String, Sendable, CaseIterable {
        /// In the main thread, one by one.
        case solo
        /// In child processes, Celery's default.
        case prefork
        /// In threads.
        case threads
    }

    /// Celery's settings under their own names, such as `broker_url`, `accept_content`, `broker_transport_options`.
    ///
    /// `task_queues` may be a list of objects with the arguments of `kombu.Queue`. In TLS options, `ssl_cert_reqs` and
    /// `cert_reqs` may be names such as `CERT_REQUIRED`.
    public var settings: [String: WireValue]
    /// Environment variables in addition to those of this process.
    public var environment: [String: String] = [:]

    /// Creates a peer from the URLs of a broker and a result store, as Celery spells them, and from further settings.
    public init(broker: String, results: String? = nil, settings: [String: WireValue] = [:]) {
        self.settings = settings
        self.settings["broker_url"] = .string(broker)
        if let results { self.settings["result_backend"] = .string(results) }
    }

    /// Creates a peer that exchanges files in a folder and stores results there, and creates the folders that it needs.
    ///
    /// - Parameters:
    ///   - messages: The folder of messages, both in and out.
    ///   - control: The folder of the exchanges' bindings.
    ///   - results: The folder of results.
    ///   - processed: The folder that keeps messages once they are taken. It should be on the same file system.
    ///   - settings: Further settings.
    /// - Throws: The error of `FileManager` if a folder cannot be created.
    public init(
        messages: String, control: String, results: String, processed: String, settings: [String: WireValue] = [:]
    ) throws {
        for folder in [messages, control, results, processed] {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        }
        self.init(broker: "filesystem://", results: "file://" + results, settings: settings)
        self.settings["broker_transport_options"] = [
            "data_folder_in": .string(messages), "data_folder_out": .string(messages),
            "control_folder": .string(control), "processed_folder": .string(processed), "store_processed": true,
        ]
    }

    /// Starts a process that sends tasks and reads results.
    ///
    /// - Throws: ``TestKitError``: `missingProgram` if there is no Python with Celery, `startFailed` with the end of
    ///   its log if it does not start.
    public func startDriver() async throws -> PythonDriver {
        let process = try PythonProcess("driver", peer: self, ["-m", "celeriac_peer.driver"], input: .socket)
        return try await PythonDriver(process)
    }

    /// Starts a worker and waits until it consumes.
    ///
    /// - Parameters:
    ///   - pool: How the worker runs its tasks.
    ///   - concurrency: The number of processes or threads in the pool.
    ///   - queues: The queues to consume; empty for those of the settings.
    ///   - arguments: Further arguments for `celery worker`.
    /// - Returns: The running worker.
    /// - Throws: ``TestKitError``: `missingProgram` if there is no Python with Celery, `startFailed` with the end of
    ///   its log if it does not start.
    public func startWorker(
        pool: Pool = .solo, concurrency: Int = 1, queues: [String] = [], arguments: [String] = []
    ) async throws -> PythonWorker {
        let name = "python-\(UInt32.random(in: 0...UInt32.max))@localhost"
        var command = ["-m", "celery", "-A", "celeriac_peer.app", "worker", "--pool", pool.rawValue]
        command += ["--concurrency", String(concurrency), "--loglevel", "INFO", "--hostname", name]
        if !queues.isEmpty { command += ["--queues", queues.joined(separator: ",")] }
        let process = try PythonProcess("worker", peer: self, command + arguments, input: .null)
        try await process.waitUntilReady()
        return PythonWorker(name: name, process: process)
    }
}
