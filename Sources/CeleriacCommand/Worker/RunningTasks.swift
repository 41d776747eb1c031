import CeleriacCore
import NIOConcurrencyHelpers

/// Knows how many tasks a worker runs, for whoever has no other hold on it.
final class RunningTasks: WorkerPart {
    private let control = NIOLockedValueBox<WorkerControl?>(nil)

    var observer: (any WorkerObserver)? { nil }

    /// How many tasks run now.
    var count: Int { control.withLockedValue { $0 }?.activeCount ?? 0 }

    func run(beside worker: WorkerControl, until stopping: Gate) async {
        control.withLockedValue { $0 = worker }
        await stopping.wait()
        control.withLockedValue { $0 = nil }
    }
}
