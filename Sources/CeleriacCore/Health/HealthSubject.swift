package import Logging

/// Somebody whose health is asked after: a worker, or something else that goes on for long.
package protocol HealthSubject: Sendable {
    /// The name under which answers speak of it.
    var nodeName: String { get }
    /// Where its own loops run.
    var executor: any TaskExecutor { get }
    /// How far its loop has come.
    var progress: LoopProgress { get }

    /// Why it takes no tasks; empty if it takes some.
    ///
    /// - Parameters:
    ///   - patience: how long servers may take to answer.
    ///   - timers: where the caller takes its timers from.
    /// - Returns: the reasons.
    func reasonsNotReady(within patience: Duration, timers: any TimerSource) async -> [String]
}

extension HealthSubject {
    /// Works while health checks are answered.
    ///
    /// - Parameters:
    ///   - endpoint: where they are answered; nil for nowhere.
    ///   - metrics: what `GET /metrics` answers there; nil if there is no such path.
    ///   - logger: where it says where.
    ///   - work: what is to be done; it gets the endpoint, with the port that the system has chosen.
    /// - Throws: ``CeleriacError`` with code `configuration` if nobody can listen there; the error of `work`.
    package func answeringHealthChecks(
        at endpoint: HealthEndpoint?, metrics: (any MetricsPage)? = nil, logger: Logger,
        during work: (HealthEndpoint?) async throws -> Void
    ) async throws {
        guard let endpoint else { return try await work(nil) }
        let server = try await HealthServer.start(endpoint, of: self, metrics: metrics, logger: logger)
        let result: Result<Void, any Error>
        do { result = .success(try await work(server.endpoint)) } catch { result = .failure(error) }
        await server.close()
        try result.get()
    }
}
