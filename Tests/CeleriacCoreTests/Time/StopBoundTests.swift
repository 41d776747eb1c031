import CeleriacTestKit
import NIOConcurrencyHelpers
import Testing

@testable import CeleriacCore

@Suite("The bound of a stop", .timeLimit(.minutes(5))) struct StopBoundTests {
    private let timers = VirtualTimers()
    private let stopping = Gate()
    /// Opens when the work is cut short.
    private let cut = Gate()
    /// The work ends once this is open.
    private let end = Gate()

    private var bound: StopBound {
        StopBound(
            stopping: stopping, limit: .seconds(25), signals: [], timers: timers, executor: nil
        ) { [cut] in
            cut.open()
            return true
        }
    }

    @Test("cuts work short after four fifths of it, and lets it go at the end")
    func letsGo() async throws {
        let run = Task { try await bound.run { [end] in await end.wait() } }
        stopping.open()
        await until { timers.count == 1 }
        timers.advance(by: .seconds(19.9))
        #expect(!cut.isOpen)
        timers.advance(by: .seconds(0.1))
        #expect(cut.isOpen && timers.count == 1)
        timers.advance(by: .seconds(5))
        #expect(try await !run.value)
        end.open()
    }

    @Test("does not begin before the stop does")
    func noStop() async throws {
        let run = Task { try await bound.run { [end] in await end.wait() } }
        timers.advance(by: .seconds(1000))
        end.open()
        #expect(try await run.value)
        #expect(!cut.isOpen && timers.count == 0)
    }

    @Test("a caller that is cancelled waits for a fifth of it")
    func cancelled() async throws {
        let run = Task { try await bound.run { [end] in await end.wait() } }
        run.cancel()
        await until { cut.isOpen && timers.count >= 1 }
        #expect(stopping.isOpen)
        timers.advance(by: .seconds(5))
        #expect(try await !run.value)
        end.open()
    }

    @Test("hands on the error of the work, and leaves no timer")
    func throwsError() async throws {
        let bound = bound
        await #expect(throws: CeleriacError.self) {
            try await bound.run { [stopping] in
                stopping.open()
                throw CeleriacError(.closed, "gave up")
            }
        }
        #expect(timers.count == 0)
    }

    @Test("a value that comes too late is handed on")
    func late() async throws {
        let (isOver, value) = (Gate(), NIOLockedValueBox(0))
        isOver.open()
        let early = try await isOver.wait { [end] in
            await end.wait()
            return 7
        } late: { late in
            value.withLockedValue { $0 = late }
        }
        #expect(early == nil)
        end.open()
        await until { value.withLockedValue { $0 } == 7 }
    }

    @Test("an action waits for its gate, unless it is taken away")
    func actions() {
        let (gate, other, calls) = (Gate(), Gate(), NIOLockedValueBox([Int]()))
        let call: @Sendable (Int) -> Void = { number in calls.withLockedValue { $0.append(number) } }
        _ = gate.onOpen { call(1) }
        let second = gate.onOpen { call(2) }
        _ = other.onOpen { call(3) }
        gate.forget(second)
        #expect(calls.withLockedValue { $0 } == [])
        gate.open()
        _ = gate.onOpen { call(4) }
        #expect(calls.withLockedValue { $0 } == [1, 4])
    }
}
