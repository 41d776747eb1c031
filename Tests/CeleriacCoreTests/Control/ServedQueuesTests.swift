import NIOConcurrencyHelpers
import Testing

@testable import CeleriacCore

@Suite("The queues that a worker serves")
struct ServedQueuesTests {
    @Test("are consumed again after a pause although the broker refuses one, which is left to the next try")
    func refusedQueue() async throws {
        let consumer = ChoosyConsumer()
        let queues = ServedQueues([TaskQueue("bad"), TaskQueue("good")], consumer: consumer)
        let isPaused = await queues.pause()
        #expect(isPaused && consumer.consumed.isEmpty)
        await #expect(throws: CeleriacError.self) { try await queues.resume() }
        #expect(consumer.consumed == ["good"])
        consumer.refuseNothing()
        for _ in 0..<2 { try await queues.resume() }
        #expect(consumer.consumed == ["good", "bad"])
    }
}

/// A consumer that consumes two queues, and refuses one of them when it is added.
private final class ChoosyConsumer: MessageConsumer {
    private let state = NIOLockedValueBox((consumed: ["bad", "good"], refused: Set(["bad"])))

    var consumed: [String] { state.withLockedValue { $0.consumed } }

    func refuseNothing() { state.withLockedValue { $0.refused = [] } }

    func addQueue(_ queue: TaskQueue) async throws {
        try state.withLockedValue { state in
            if state.refused.contains(queue.name) { throw CeleriacError(.configuration, "refused") }
            state.consumed.append(queue.name)
        }
    }

    func removeQueue(_ name: String) async throws {
        state.withLockedValue { state in state.consumed.removeAll { $0 == name } }
    }

    func next(atMost limit: Int) async throws -> [Delivery] { [] }
    func settle(_ settlements: [Settlement]) async throws {}
    func stop() async {}
    func close() async throws {}
}
