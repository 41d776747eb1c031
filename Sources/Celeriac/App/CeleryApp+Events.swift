package import CeleriacCore
package import CeleryDialect

extension CeleryApp {
    /// Hears the events of workers and clients until `enough` opens. Whenever it begins to listen, it asks workers for a
    /// heartbeat, as Celery's monitors do, so that they are known at once.
    ///
    /// - Parameters:
    ///   - enough: opened when nobody listens any more.
    ///   - hear: gets what happens. It returns at once, and may be called on any thread.
    /// - Throws: ``CeleriacError`` with code `unsupported` if the transport carries no events, `unavailable` if the
    ///   broker cannot be reached at the beginning, `configuration` if it refuses the queue that the settings ask for.
    package func listenToEvents(
        until enough: Gate, hear: @escaping @Sendable (CeleryEventReceiver.News) -> Void
    ) async throws {
        let receiver = CeleryEventReceiver(
            broker: broker, exchange: configuration.control.eventExchange, queue: configuration.control.eventQueue,
            content: configuration.controlContent, limits: configuration.limits, timers: client.timers)
        let begun = Lane<Void>()
        let control = control
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                while !(await begun.take()).isEmpty {
                    // Who cannot be asked now tells in a moment of itself.
                    try? await control.heartbeat()
                }
            }
            defer { begun.close() }
            try await receiver.listen(until: enough) { news in
                if case .listening = news { begun.put(()) }
                hear(news)
            }
        }
    }
}
