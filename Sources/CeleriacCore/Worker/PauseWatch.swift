package import Logging

/// Has the queues served that were paused when a worker or a bridge began, as soon as they are paused no more.
package struct PauseWatch: Sendable {
    /// How often the broker is asked.
    private static let interval = Duration.seconds(5)

    private let queues: [TaskQueue]
    private let broker: any MessageBroker
    private let timers: any TimerSource
    private let logger: Logger
    private let begin: @Sendable (TaskQueue) async throws -> Void

    /// Makes it.
    ///
    /// - Parameters:
    ///   - queues: the queues that are paused.
    ///   - broker: where the notes of them are.
    ///   - timers: where it takes its timers from.
    ///   - logger: where to log.
    ///   - begin: begins to serve a queue that is paused no more. If it throws, it is called again later.
    package init(
        _ queues: [TaskQueue], at broker: any MessageBroker, timers: any TimerSource, logger: Logger,
        begin: @escaping @Sendable (TaskQueue) async throws -> Void
    ) {
        self.queues = queues
        self.broker = broker
        self.timers = timers
        self.logger = logger
        self.begin = begin
    }

    /// Watches until every queue is served, or until `stopping` opens.
    package func run(until stopping: Gate) async {
        var left = queues
        while !left.isEmpty {
            if await stopping.wait(atMost: Self.interval, timers: timers) { return }
            do {
                let paused = try await broker.pausedQueues(among: left.map(\.name))
                for queue in left where !paused.contains(queue.name) {
                    if await serve(queue) { left.removeAll { $0.name == queue.name } }
                }
            } catch {
                logger.debug("cannot see yet whether queues are still paused", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Has a queue served. One that the broker refuses is tried again, and keeps none of the others away.
    ///
    /// - Returns: whether it is served.
    private func serve(_ queue: TaskQueue) async -> Bool {
        do {
            try await begin(queue)
        } catch {
            logger.debug(
                "cannot serve a queue yet that is paused no more",
                metadata: ["queue": "\(queue.name)", "error": "\(error)"])
            return false
        }
        logger.info("a queue is paused no more", metadata: ["queue": "\(queue.name)"])
        return true
    }
}
