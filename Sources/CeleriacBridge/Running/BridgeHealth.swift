package import CeleriacCore

/// Whether a bridge works, for whoever keeps it running. A route that somebody has paused is well.
package struct BridgeHealth: HealthSubject {
    private let bridge: Bridge
    /// A bridge has no loop of its own: nothing in it can stand still but the process.
    package let progress = LoopProgress()

    /// Makes the health of a bridge.
    package init(_ bridge: Bridge) { self.bridge = bridge }

    /// The bridge's name among those whom remote control reaches.
    package var nodeName: String { bridge.nodeName }

    /// The concurrency pool.
    package var executor: any TaskExecutor { globalConcurrentExecutor }

    package func reasonsNotReady(within patience: Duration, timers: any TimerSource) async -> [String] {
        if bridge.isStopping { return ["the bridge is stopping"] }
        return bridge.status.sorted { $0.key < $1.key }.compactMap { name, status in
            if let failure = status.failure { return "the route \(name) has given up: \(failure)" }
            return status.obstacle.map { "the route \(name) does not go on: \($0)" }
        }
    }
}
