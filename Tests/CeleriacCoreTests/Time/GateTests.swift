import CeleriacTestKit
import Testing

@testable import CeleriacCore

@Suite(.timeLimit(.minutes(5))) struct GateTests {
    @Test("an open gate lets everybody through, also those who come later")
    func opens() async throws {
        let gate = Gate()
        async let first: Void = gate.wait()
        async let second: Void = gate.waitUnlessCancelled()
        gate.open()
        await first
        try await second
        try await gate.waitUnlessCancelled()
        #expect(await gate.wait(atMost: .zero, timers: VirtualTimers()))
    }

    @Test("a limited wait ends with its time")
    func limited() async {
        let (gate, timers) = (Gate(), VirtualTimers())
        async let isOpen = gate.wait(atMost: .seconds(1), timers: timers)
        await until { timers.count == 1 }
        timers.advance(by: .seconds(1))
        #expect(await isOpen == false)
    }

    @Test("cancellation ends one wait, before it begins or later, and no other")
    func cancelled() async throws {
        let gate = Gate()
        let (early, late) = (
            Task { try await gate.waitUnlessCancelled() }, Task { try await gate.waitUnlessCancelled() }
        )
        early.cancel()
        await #expect(throws: CancellationError.self) { try await early.value }
        async let other: Void = gate.waitUnlessCancelled()
        late.cancel()
        await #expect(throws: CancellationError.self) { try await late.value }
        gate.open()
        try await other
        // An open gate lets even a cancelled task through.
        let again = Task { try await gate.waitUnlessCancelled() }
        again.cancel()
        try await again.value
    }
}
