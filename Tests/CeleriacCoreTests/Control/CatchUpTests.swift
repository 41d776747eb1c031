import CeleriacCore
import CeleriacTestKit
import NIOConcurrencyHelpers
import Testing

private let work = TaskDefinition<String, String>("work")

@Suite("Looking before an inspection", .timeLimit(.minutes(5)))
struct CatchUpTests {
    @Test("waits for the consumer's look, but not for ever, and not while the worker has no room")
    func waits() async throws {
        let looks = HeldLooks()
        let bench = Bench { LookingBroker(base: $0, looks: looks) }
        let (part, finish) = (ControlProbe(), Gate())
        let worker = bench.worker(of: work, until: finish, parts: [part])
        try await bench.run(worker) {
            let control = await part.control()
            await control.catchUp()
            #expect(looks.count == 1)

            looks.hold()
            let isOver = Gate()
            async let second: Void = {
                await control.catchUp()
                isOver.open()
            }()
            await until {
                bench.timers.advance(by: .milliseconds(500))
                return isOver.isOpen
            }
            await second
            #expect(looks.count == 2)

            // The window is 4.
            for text in ["a", "b", "c", "d"] { _ = try await bench.client.send(work(text)) }
            await until { control.jobs.count == 4 }
            await control.catchUp()
            #expect(looks.count == 2)
            finish.open()
        }
    }
}

/// Counts a consumer's looks and holds them up.
private final class HeldLooks: Sendable {
    private let state = NIOLockedValueBox((count: 0, gate: Gate?.none))

    var count: Int { state.withLockedValue { $0.count } }

    func hold() { state.withLockedValue { $0.gate = Gate() } }

    func look() async {
        let gate = state.withLockedValue { state in
            state.count += 1
            return state.gate
        }
        try? await gate?.waitUnlessCancelled()
    }
}

private struct LookingBroker: MessageBroker {
    let base: MemoryBroker
    let looks: HeldLooks

    var name: String { base.name }
    func publish(_ messages: [OutgoingMessage]) async throws { try await base.publish(messages) }
    func consume(_ options: ConsumerOptions) async throws -> any MessageConsumer {
        LookingConsumer(base: try await base.consume(options), looks: looks)
    }
    func close() async { await base.close() }
}

private struct LookingConsumer: MessageConsumer {
    let base: any MessageConsumer
    let looks: HeldLooks

    func next(atMost limit: Int) async throws -> [Delivery] { try await base.next(atMost: limit) }
    func settle(_ settlements: [Settlement]) async throws { try await base.settle(settlements) }
    func giveBack(_ receipts: [Receipt]) async throws { try await base.giveBack(receipts) }
    func catchUp() async { await looks.look() }
    func stop() async { await base.stop() }
    func close() async throws { try await base.close() }
}
