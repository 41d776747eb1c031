import Logging
import NIOConcurrencyHelpers

/// How a worker answers health checks while it runs.
extension TaskWorker {
    /// Works while health checks are answered, if ``WorkerConfiguration/healthEndpoint`` says where. A program may do so before
    /// ``run()`` already, for what it does first.
    ///
    /// - Throws: ``CeleriacError`` with code `configuration` if nobody can listen there; the error of `work`.
    package func answeringHealthChecks(during work: () async throws -> Void) async throws {
        guard let endpoint = configuration.healthEndpoint, healthServer.withLockedValue({ $0 == nil }) else {
            return try await work()
        }
        var logger = logger
        logger[metadataKey: "worker"] = "\(nodeName)"
        let server = try await HealthServer.start(
            endpoint, of: health, metrics: configuration.metricsPage, logger: logger)
        healthServer.withLockedValue { $0 = server }
        let result: Result<Void, any Error>
        do { result = .success(try await work()) } catch { result = .failure(error) }
        healthServer.withLockedValue { $0 = nil }
        await server.close()
        try result.get()
    }

    /// Where health checks are answered now; nil while they are not.
    package var currentHealthEndpoint: HealthEndpoint? { healthServer.withLockedValue { $0?.endpoint } }
}
