import Metrics

import struct FoundationEssentials.Date

/// The metrics of a worker. Where the process has no metrics system there is no such object, and nothing is done for a
/// message.
final class WorkerMetrics: WorkerObserver {
    /// Handlers that run now.
    let running: Meter
    /// Messages that the worker holds for its handlers.
    let prefetched: Meter
    /// Messages that the worker holds until the times of their tasks.
    let scheduled: Meter

    /// The names of the tasks that the worker serves. Those of others come from outside, and count as `unregistered`.
    private let tasks: Set<String>
    private let received: DimensionedMetric<Counter>
    private let succeeded: DimensionedMetric<Counter>
    private let failed: DimensionedMetric<Counter>
    private let retried: DimensionedMetric<Counter>
    private let revoked: DimensionedMetric<Counter>
    private let expired: DimensionedMetric<Counter>
    private let runtime: DimensionedMetric<Timer>
    private let queueTime: DimensionedMetric<Timer>
    private let parkedMessages: DimensionedMetric<Counter>
    private let reconnects: Counter
    private let stalls: DimensionedMetric<Counter>
    private let nodeName: String

    /// Makes the metrics of a worker. It is nil if there is no metrics system.
    ///
    /// - Parameters:
    ///   - factory: the metrics system; nil for the process's.
    ///   - nodeName: the worker's node name.
    ///   - tasks: the names of the tasks that the worker serves.
    init?(_ factory: (any MetricsFactory)?, nodeName: String, tasks: some Sequence<String>) {
        let factory = factory ?? MetricsSystem.factory
        if factory is NOOPMetricsHandler { return nil }
        func counters(_ name: MetricName) -> DimensionedMetric<Counter> {
            DimensionedMetric(name) { Counter(label: name.rawValue, dimensions: $0, factory: factory) }
        }
        func timers(_ name: MetricName) -> DimensionedMetric<Timer> {
            DimensionedMetric(name) { Timer(label: name.rawValue, dimensions: $0, factory: factory) }
        }
        let worker = [("worker", nodeName)]
        func meter(_ name: MetricName) -> Meter {
            Meter(label: name.rawValue, dimensions: worker, factory: factory)
        }
        self.tasks = Set(tasks)
        self.nodeName = nodeName
        running = meter(.running)
        prefetched = meter(.prefetched)
        scheduled = meter(.scheduled)
        received = counters(.received)
        succeeded = counters(.succeeded)
        failed = counters(.failed)
        retried = counters(.retried)
        revoked = counters(.revoked)
        expired = counters(.expired)
        runtime = timers(.runtime)
        queueTime = timers(.queueTime)
        parkedMessages = counters(.parked)
        reconnects = Counter(label: MetricName.reconnects.rawValue, dimensions: worker, factory: factory)
        stalls = counters(.stalls)
    }

    /// True.
    var isListening: Bool { true }

    func observe(_ event: WorkerEvent, at time: Date) {
        switch event {
        case .received(let request): received[name(of: request), request.queue].increment()
        case .started(let request):
            if let start = SendTime.start(of: request) {
                let seconds = max(0, time.timeIntervalSince(start))
                queueTime[name(of: request), request.queue].record(duration: Duration(clampedSeconds: seconds))
            }
        case .ended(let request, let outcome, let duration):
            let task = name(of: request)
            if let duration { runtime[task, request.queue].record(duration: duration) }
            counters(of: outcome)?[task, request.queue].increment()
        }
    }

    /// Counts a message that is parked.
    func parked(from queue: String, reason: String) { parkedMessages[queue, reason].increment() }

    /// Counts a connection to the broker that has come back.
    func reconnected() { reconnects.increment() }

    /// Counts that a queue stands still although messages wait in it.
    func stalled(_ queue: String) { stalls[nodeName, queue].increment() }

    private func name(of request: TaskRequest) -> String {
        tasks.contains(request.name) ? request.name : "unregistered"
    }

    /// What an outcome counts as; nil for those after which the task has neither ended nor is retried.
    private func counters(of outcome: Outcome) -> DimensionedMetric<Counter>? {
        switch outcome {
        case .success: succeeded
        case .failure, .timedOut, .unregistered, .rejected(requeue: false): failed
        case .retry: retried
        case .revoked: revoked
        case .expired: expired
        case .replaced, .ignored, .cancelled, .rejected: nil
        }
    }
}
