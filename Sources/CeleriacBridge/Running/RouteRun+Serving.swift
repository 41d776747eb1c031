import CeleriacCore
import CeleryDialect
import Logging
import Metrics

extension RouteRun {
    /// Forwards messages and brings replies until the route is halted.
    ///
    /// - Parameter learned: open once the bridge knows what was revoked before. The first message waits for that, for two
    ///   seconds at most.
    /// - Throws: the error with which one half has given up, unless the route was ended before, while a server was out of
    ///   reach. The other half has ended in good order then. ``CeleriacError`` with code `configuration` for a result store
    ///   that is not to be used.
    func serve(after learned: [Gate]) async throws {
        defer { metrics?.leave() }
        try await checkStores()
        logger.notice("a route is open", metadata: ["from": "\(source.broker.name)", "to": "\(target.broker.name)"])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for gate in learned { await gate.wait(atMost: Mingling.patience, timers: timers) }
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

    /// Asks the result stores of both sides whether they are to be used. One that refuses everything later is waited for, so
    /// that nobody else would end a route whose settings are wrong.
    private func checkStores() async throws {
        let stores = [source, target].compactMap { $0.client.store as? any RefusingStore }
        _ = try await stop.unlessOpen {
            for store in stores { try await store.checkUse() }
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
