import NIOConcurrencyHelpers

/// What a worker knows of its own health: whether it consumes, and whether its servers answer.
final class WorkerHealth: HealthSubject {
    private struct State {
        var isConsuming = false
        /// Asks the consumer; nil for one that cannot be asked.
        var broker: ReachQuestion?
    }

    /// The worker's node name.
    package let nodeName: String
    /// Where the worker's own loops run.
    package let executor: any TaskExecutor
    /// How far the worker's loop has come.
    package let progress = LoopProgress()
    private let brokerName: String
    private let stopping: Gate
    private let watch: ResultStoreWatch?
    private let storeName: String
    /// Asks the result store; nil without one that can be asked.
    private let store: ReachQuestion?
    private let state = NIOLockedValueBox(State())

    init(
        nodeName: String, brokerName: String, store: (any ResultStore)?, watch: ResultStoreWatch?, stopping: Gate,
        executor: any TaskExecutor
    ) {
        self.nodeName = nodeName
        self.brokerName = brokerName
        self.executor = executor
        self.stopping = stopping
        self.watch = watch
        self.storeName = store?.name ?? ""
        self.store = (store as? any HealthChecked).map { checked in
            ReachQuestion(store?.name ?? "", on: executor) { try await checked.checkHealth() }
        }
    }

    /// Notes that the worker consumes from now on.
    func consumes(by consumer: any MessageConsumer) {
        let question = (consumer as? any HealthChecked).map { checked in
            ReachQuestion(brokerName, on: executor) { try await checked.checkHealth() }
        }
        state.withLockedValue { state in
            state.isConsuming = true
            state.broker = question
        }
    }

    /// Why the worker takes no tasks; empty if it takes some. A result store that is out of reach counts, whether the worker
    /// pauses without it or not: the results of its tasks are late.
    ///
    /// - Parameters:
    ///   - patience: how long the servers may take to answer.
    ///   - timers: where the caller takes its timers from.
    /// - Returns: the reasons.
    package func reasonsNotReady(within patience: Duration, timers: any TimerSource) async -> [String] {
        if stopping.isOpen { return [Self.isStopping] }
        let (isConsuming, broker) = state.withLockedValue { ($0.isConsuming, $0.broker) }
        guard isConsuming else { return ["the worker does not consume yet: it has not reached \(brokerName)"] }
        async let brokerReason = broker?.reason(within: patience, timers: timers)
        async let storeReason = store?.reason(within: patience, timers: timers)
        var reasons = [await brokerReason, await storeReason].compactMap { $0 }
        // A server that answers may still refuse to store.
        if let outage = watch?.outage {
            reasons.append("the result store \(storeName) has been out of reach for \(Int(outage.seconds)) s")
        }
        return stopping.isOpen ? [Self.isStopping] : reasons
    }

    private static let isStopping = "the worker is stopping"
}
