package import struct FoundationEssentials.Date

/// Something that happens to a task at a worker.
package enum WorkerEvent: Sendable {
    /// The worker has read the task's message and will run it, now or at its time. The worker does not report this for
    /// a task that is revoked, expired or unregistered when its message arrives.
    case received(TaskRequest)
    /// The task's handler begins.
    case started(TaskRequest)
    /// The task has ended: its result is stored and its message settled. `runtime` is nil if its handler had not begun.
    case ended(TaskRequest, Outcome, runtime: Duration?)
}

/// Watches what happens to a worker's tasks, for instance for monitors and metrics.
package protocol WorkerObserver: Sendable {
    /// Whether the worker should call ``observe(_:at:)``. It asks at every event, so this must be cheap.
    var isListening: Bool { get }

    /// Takes note of an event. The worker calls it on the thread on which the event happened, so it must not block.
    func observe(_ event: WorkerEvent, at time: Date)
}

/// Something that runs beside a worker from when it consumes until its last task has ended, such as remote control.
package protocol WorkerPart: Sendable {
    /// Watches the worker's tasks; nil if the part does not.
    var observer: (any WorkerObserver)? { get }

    /// Opens once others can reach the part, or once it knows that they cannot; nil if nobody need wait for that. The
    /// worker is ready only then.
    var reachable: Gate? { get }

    /// Opens once the part has learned what the worker must know before it runs its first task, and a second after the part
    /// has begun to run at the latest; nil if there is no such thing.
    var informed: Gate? { get }

    /// Runs until `stopping` opens, then cleans up. It must end soon after that whatever the network does. The
    /// worker closes its consumer after that, so nothing that the part started may use `worker` once this has returned.
    func run(beside worker: WorkerControl, until stopping: Gate) async
}

extension WorkerPart {
    package var reachable: Gate? { nil }
    package var informed: Gate? { nil }
}

/// The observers of one worker. While none of them listens, the worker does not even build events.
struct Observers: Sendable {
    private let observers: [any WorkerObserver]
    private let timers: any TimerSource

    init(_ observers: [any WorkerObserver], timers: any TimerSource) {
        self.observers = observers
        self.timers = timers
    }

    /// Tells observers what happens.
    func tell(_ event: @autoclosure () -> WorkerEvent) {
        guard isAnyListening else { return }
        tell(event(), at: timers.now)
    }

    /// Returns a function that tells observers later of an event that happens now; nil if no observer listens.
    func later(_ event: @autoclosure () -> WorkerEvent) -> (@Sendable () -> Void)? {
        guard isAnyListening else { return nil }
        let (event, now) = (event(), timers.now)
        return { tell(event, at: now) }
    }

    private var isAnyListening: Bool { observers.contains { $0.isListening } }

    private func tell(_ event: WorkerEvent, at time: Date) {
        for observer in observers where observer.isListening { observer.observe(event, at: time) }
    }
}
