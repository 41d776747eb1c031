import CeleriacCore
import CeleryDialect
import Logging
import Metrics

extension RouteRun {
    /// Forwards messages and brings replies until the route is halted.
    ///
    /// - Parameter learned: open once the bridge knows what was revoked before. The first message waits for that, for a second
    ///   at most.
    /// - Throws: the error with which one half has given up, unless the route was ended before, while a server was out of
    ///   reach. The other half has ended in good order then.
    func serve(after learned: [Gate]) async throws {
        defer { metrics?.leave() }
        logger.notice("a route is open", metadata: ["from": "\(source.broker.name)", "to": "\(target.broker.name)"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for gate in learned { await gate.wait(atMost: Mingling.bound, timers: timers) }
                try await Forwarder(self).forward()
            }
            if hasReplies { group.addTask { try await ReplyCourier(self).bring() } }
            group.addTask { await self.measure() }
            do {
                for try await _ in group {}
            } catch {
                let isHalted = stop.isOpen
                halt()
                while let result = await group.nextResult() {
                    if case .failure(let other) = result {
                        logger.error("half a route has ended", metadata: ["error": "\(other)"])
                    }
                }
                if !isHalted { throw error }
                logger.notice("a route has ended while it waited", metadata: ["error": "\(error)"])
            }
        }
    }

    /// Ends the route once what is under way is done. Replies that have not come stay noted.
    func halt() {
        valve.turn(to: .ended)
        stop.open()
    }

    /// Looks now and then how many messages wait, for those who watch the metrics.
    private func measure() async {
        guard let metrics else { return }
        repeat {
            if let depth = try? await source.broker.depth(of: route.sourceQueue) { metrics.waiting.set(depth) }
        } while !(await stop.wait(atMost: .seconds(10), timers: timers))
    }
}
