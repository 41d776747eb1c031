public import CeleriacWire
import Foundation

/// A real Python Celery application to exchange tasks with: its settings, from which workers and drivers are started.
///
/// The application is `interop/python/celeriac_peer`; its tasks are in `tasks.py` there and their names start with
/// `tasks.`.
public struct PythonPeer: Sendable {
    /// How a worker runs its tasks.
    public enum Pool: String, Sendable, CaseIterable {
        /// In its main thread, one by one.
        case solo
        /// In child processes, Celery's default.
        case prefork
        /// In threads.
        case threads
    }

    /// Celery's settings by their own names, such as `broker_url`, `accept_content`, `broker_transport_options`.
    ///
    /// `task_queues` may be a list of objects with the arguments of `kombu.Queue`; `ssl_cert_reqs` and `cert_reqs` of TLS
    /// options may be names such as `CERT_REQUIRED`.
    public var settings: [String: WireValue]
    /// Environment variables beside those of this process.
    public var environment: [String: String] = [:]

    /// Makes a peer of a broker's and a result store's URL, as Celery spells them, and of more settings.
    public init(broker: String, results: String? = nil, settings: [String: WireValue] = [:]) {
        self.settings = settings
        self.settings["broker_url"] = .string(broker)
        if let results { self.settings["result_backend"] = .string(results) }
    }

    /// Makes a peer that exchanges files in a folder and stores results there; makes the folders it needs.
    ///
    /// - Parameters:
    ///   - messages: The folder of messages, in and out.
    ///   - control: The folder of the exchanges' bindings.
    ///   - results: The folder of results.
    ///   - processed: Where messages are moved to when they are taken, and kept. It should be on the same file system.
    ///   - settings: More settings.
    /// - Throws: What `FileManager` throws when a folder cannot be made.
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

    /// Starts a producer and reader of results.
    ///
    /// - Throws: ``TestKitError``: `missingProgram` if there is no Python with Celery, `startFailed` with the tail of its
    ///   log if it does not come up.
    public func startDriver() async throws -> PythonDriver {
        let process = try PythonProcess("driver", peer: self, ["-m", "celeriac_peer.driver"], input: .socket)
        return try await PythonDriver(process)
    }

    /// Starts a worker and waits until it consumes.
    ///
    /// - Parameters:
    ///   - pool: How it runs its tasks.
    ///   - concurrency: The number of processes or threads of the pool.
    ///   - queues: The queues to consume; empty for the settings' own.
    ///   - arguments: More arguments of `celery worker`.
    /// - Returns: The running worker.
    /// - Throws: ``TestKitError``: `missingProgram` if there is no Python with Celery, `startFailed` with the tail of its
    ///   log if it does not come up.
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
