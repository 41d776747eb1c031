import Foundation

/// Where the peers of a stage meet: a private broker and a private result store, which nobody has used before.
struct InteropAddresses: Sendable {
    /// Whose messages they exchange.
    let dialect: InteropDialect
    /// The broker's URL.
    let broker: String
    /// The result store's URL.
    let results: String
    /// The stage's own folder, for messages, results and logs.
    let folder: TemporaryFolder

    /// Starts the servers, unless they run, and makes a place in them.
    ///
    /// - Throws: ``TestKitError``: `missingProgram` for a server that is not installed, `startFailed` for one that does not
    ///   start.
    static func make(_ dialect: InteropDialect, _ transport: InteropTransport) async throws -> InteropAddresses {
        let folder = try TemporaryFolder("interop")
        for name in ["messages", "control", "results", "processed"] {
            try FileManager.default.createDirectory(
                atPath: "\(folder.path)/\(name)", withIntermediateDirectories: true)
        }
        let broker: String
        switch transport.broker {
        case .redis: broker = try await SharedServers.shared.redisDatabaseURL()
        case .rabbitmq: broker = try await SharedServers.shared.rabbitMQVirtualHostURL()
        case .folder: broker = "filesystem://\(folder.path)/messages"
        }
        let results: String
        switch transport.store {
        case .redis:
            results = try await transport.broker == .redis ? broker : SharedServers.shared.redisDatabaseURL()
        case .rabbitmq:
            results =
                try await transport.broker == .rabbitmq ? broker : SharedServers.shared.rabbitMQVirtualHostURL()
        case .rpc: results = "rpc://"
        case .folder: results = "file://\(folder.path)/results"
        }
        return InteropAddresses(dialect: dialect, broker: broker, results: results, folder: folder)
    }

    /// The variables by which programs find the place: those that Celery and Machinery read.
    var variables: [String: String] {
        switch dialect {
        case .celery:
            [
                "CELERY_BROKER_URL": broker, "CELERY_RESULT_BACKEND": results,
                "CELERIAC_INTEROP_FOLDER": folder.path,
            ]
        case .machinery:
            [
                "BROKER": broker, "RESULT_BACKEND": results, "DEFAULT_QUEUE": "machinery_tasks",
                "CELERIAC_INTEROP_FOLDER": folder.path,
            ]
        }
    }
}
