/// Something that runs beside a worker from when it consumes until its last task has ended: remote control, events.
package protocol WorkerPart: Sendable {
    /// What is told of the worker's tasks.
    var observer: (any WorkerObserver)? { get }

    /// Runs until `stopping` opens, then cleans up. It must end soon after that, whatever the network does, and must not
    /// mind if the task is cancelled before.
    func run(beside worker: WorkerControl, until stopping: Gate) async
}
