public import ServiceLifecycle

extension TaskClient: Service {
    /// Keeps the client's connections until a graceful shutdown, and then closes them.
    ///
    /// A service group shuts down the service that it lists last first: list the client before those that use it. If its
    /// Swift task is cancelled, it returns and closes nothing, since workers that are cancelled with it still settle what
    /// has ended.
    public func run() async throws {
        do { try await gracefulShutdown() } catch { return }
        await close()
    }
}
