import Logging

/// Has a worker serve the queues that were paused when it began, as soon as they are paused no more.
struct PauseWatch: Sendable {
    /// How often the broker is asked.
    private static let interval = Duration.seconds(5)

    let queues: [TaskQueue]
    let broker: any MessageBroker
    let control: WorkerControl
    let timers: any TimerSource
    let logger: Logger

    /// Watches until every queue is served, or until `stopping` opens.
    func run(until stopping: Gate) async {
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

    /// Has the worker serve a queue. One that the broker refuses is tried again, and keeps none of the others away.
    ///
    /// - Returns: whether the worker serves it.
    private func serve(_ queue: TaskQueue) async -> Bool {
        do {
            try await control.addQueue(queue)
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
