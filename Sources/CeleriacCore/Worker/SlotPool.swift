import NIOConcurrencyHelpers

/// The places for running handlers; how many there are can change while the worker works.
final class SlotPool: Sendable {
    private let state: NIOLockedValueBox<[Slot]>
    private let newcomers: AsyncStream<Slot>
    private let continuation: AsyncStream<Slot>.Continuation

    init(count: Int) {
        let slots = (0..<count).map { _ in Slot() }
        state = NIOLockedValueBox(slots)
        (newcomers, continuation) = AsyncStream.makeStream(of: Slot.self)
        for slot in slots { continuation.yield(slot) }
    }

    /// The slots that there are, those included that end after their job.
    var slots: [Slot] { state.withLockedValue { $0 } }

    /// The jobs that run now.
    var currentJobs: [Job] { slots.compactMap(\.currentJob) }

    func add(_ count: Int) {
        let slots = (0..<count).map { _ in Slot() }
        state.withLockedValue { $0 += slots }
        for slot in slots { continuation.yield(slot) }
    }

    /// Adds none any more.
    func close() { continuation.finish() }

    /// Runs the slots until the pool is closed and the queue is, too.
    func run(_ queue: JobQueue, perform: @escaping @Sendable (Job, Slot) async -> Void) async {
        await withDiscardingTaskGroup { group in
            for await slot in newcomers {
                group.addTask {
                    await slot.run(queue, perform: perform)
                    self.state.withLockedValue { $0.removeAll { $0 === slot } }
                }
            }
        }
    }
}
