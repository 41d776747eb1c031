import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging
import Tracing

/// One transport of the live matrix, with the Swift application and its Python counterpart.
struct MatrixSite: Sendable {
    let transport: MatrixTransport
    let app: CeleryApp
    let python: PythonPeer
    /// The folder in which tasks leave traces for the other language.
    let folder: String

    /// Makes a site.
    ///
    /// - Parameters:
    ///   - transport: the broker and the result store.
    ///   - shared: further settings of both languages, in YAML.
    ///   - pythons: further settings of Python's side alone.
    ///   - tracer: makes the spans of Swift's side; nil for none.
    /// - Throws: an error if the settings are wrong or a server does not start.
    init(
        _ transport: MatrixTransport, settings shared: String = "", pythons: [String: WireValue] = [:],
        tracer: (any Tracer)? = nil
    ) async throws {
        let folder = try TemporaryFolder("matrix").path
        var configuration = try CelerySettings(yaml: Array(shared.utf8)).configuration
        configuration.acceptContent = [.json, .msgpack, .yaml]
        configuration.tracer = tracer
        configuration.queues = ["celery", TaskQueue("priorities", arguments: ["x-max-priority": 10])]
        var settings: [String: WireValue] = [
            "accept_content": ["json", "msgpack", "yaml"], "result_accept_content": ["json"],
            "worker_prefetch_multiplier": 1,
        ]
        for (name, value) in try WireYAML.decode(Array(shared.utf8)).objectValue ?? [:] { settings[name] = value }
        settings.merge(pythons) { $1 }
        let broker: String
        let results: String
        switch transport {
        case .redis:
            broker = try await SharedServers.shared.redisDatabaseURL()
            results = broker
        case .rabbitRPC:
            broker = try await SharedServers.shared.rabbitMQVirtualHostURL()
            results = "rpc://"
        case .rabbitRedis:
            broker = try await SharedServers.shared.rabbitMQVirtualHostURL()
            results = try await SharedServers.shared.redisDatabaseURL()
        case .filesystem:
            broker = "filesystem://\(folder)/messages"
            results = "file://\(folder)/results"
        }
        if transport == .filesystem {
            python = try PythonPeer(
                messages: folder + "/messages", control: folder + "/control", results: folder + "/results",
                processed: folder + "/processed", settings: settings)
        } else {
            if transport != .redis {
                settings["task_queues"] = [
                    ["name": "celery"], ["name": "priorities", "queue_arguments": ["x-max-priority": 10]],
                ]
            }
            python = PythonPeer(broker: broker, results: results, settings: settings)
        }
        var logger = Logger(label: "live")
        logger.logLevel = .error
        self.transport = transport
        self.folder = folder
        self.app = try CeleryApp(broker: broker, results: results, configuration: configuration, logger: logger)
    }

    func close() async {
        await app.close()
        try? FileManager.default.removeItem(atPath: folder)
    }
}
