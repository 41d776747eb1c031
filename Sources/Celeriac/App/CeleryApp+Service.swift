public import ServiceLifecycle

extension CeleryApp: Service {
    /// Keeps the application's connections until a graceful shutdown, and then closes them.
    ///
    /// A service group shuts down the service that it lists last first: list the application before its workers and
    /// whatever else uses it. If its Swift task is cancelled, it returns and closes nothing, since workers that are
    /// cancelled with it still settle what has ended; ``close()`` does.
    ///
    /// ```swift
    /// let group = ServiceGroup(
    ///     services: [celery, celery.worker { Tasks.add.handler { x, y in x + y } }],
    ///     gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
    /// try await group.run()
    /// ```
    public func run() async throws {
        try await client.run()
    }
}
