public import struct FoundationEssentials.Date

/// Whoever wants to know what happens to a worker's tasks: monitors, metrics.
public protocol WorkerObserver: Sendable {
    /// Whether ``observe(_:at:)`` is to be called at all. Asked at every event, so it must be cheap.
    var isListening: Bool { get }

    /// Is told what happened, on whatever thread it happened: it must not block.
    func observe(_ event: WorkerEvent, at time: Date)
}
