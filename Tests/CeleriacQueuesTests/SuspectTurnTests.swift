import CeleriacCore
import CeleriacTestKit
import Foundation
import NIOConcurrencyHelpers
import Testing

@testable import CeleriacQueues

/// Tests whose turn it is among messages that may be what killed a process.
@Suite("The turn of suspects")
struct SuspectTurnTests {
    private final class SharedTurn: Sendable {
        private let turn = NIOLockedValueBox(SuspectTurn())

        func take(_ tag: UInt64, of queue: String? = nil, now: Date) -> SuspectTurn.Wait? {
            turn.withLockedValue { $0.take(tag, of: queue, now: now) }
        }
        func pass(from tag: UInt64, to queue: String, now: Date) {
            turn.withLockedValue { $0.pass(from: tag, to: queue, now: now) }
        }
        func end(_ tag: UInt64) { turn.withLockedValue { $0.end(tag) } }
        func reset() { turn.withLockedValue { $0.reset() } }
    }
    private let start = Date(timeIntervalSince1970: 1000)

    @Test("One suspect begins at a time, and the next when it has ended")
    func oneAtATime() throws {
        let turn = SharedTurn()
        #expect(turn.take(1, now: start) == nil)
        #expect(turn.take(1, now: start) == nil)
        let wait = try #require(turn.take(2, now: start))
        #expect(wait.longest == SuspectTurn.patience && !wait.gate.isOpen)
        // Another message ends.
        turn.end(3)
        #expect(!wait.gate.isOpen)
        turn.end(1)
        #expect(wait.gate.isOpen)
        #expect(turn.take(2, now: start) == nil)
        let next = try #require(turn.take(1, now: start))
        turn.reset()
        #expect(next.gate.isOpen && turn.take(1, now: start) == nil)
    }

    @Test("A suspect that runs for long keeps others for so long only, each of them anew")
    func patience() throws {
        let turn = SharedTurn()
        #expect(turn.take(1, now: start) == nil)
        let patience = SuspectTurn.patience.seconds
        let rest = try #require(turn.take(2, now: start.addingTimeInterval(patience - 1)))
        #expect(rest.longest == .seconds(1))
        let second = start.addingTimeInterval(patience)
        #expect(turn.take(2, now: second) == nil)
        // The first has lost the turn, so its end means nothing.
        turn.end(1)
        #expect(turn.take(3, now: second)?.longest == SuspectTurn.patience)
        // A clock that was set back does not prolong it.
        #expect(turn.take(3, now: start.addingTimeInterval(-1000))?.longest == SuspectTurn.patience)
    }

    @Test("A suspect that is moved to a companion keeps the turn for what comes from there")
    func moved() throws {
        let turn = SharedTurn()
        #expect(turn.take(1, of: "a", now: start) == nil)
        let other = try #require(turn.take(2, of: "b", now: start))
        turn.pass(from: 1, to: "a", now: start)
        #expect(other.gate.isOpen)
        #expect(turn.take(2, of: "b", now: start) != nil)
        #expect(turn.take(3, now: start) != nil)
        // Another message of that companion may be delivered before.
        #expect(turn.take(4, of: "a", now: start) == nil)
        turn.pass(from: 4, to: "a", now: start)
        #expect(turn.take(1, of: "a", now: start) == nil)
        // It begins: from now on its companion's others wait too.
        #expect(turn.take(4, of: "a", now: start) != nil)
        turn.pass(from: 4, to: "a", now: start)
        #expect(turn.take(4, of: "a", now: start) != nil)
    }

    @Test("Where few beginnings are enough to park a message, all that have come back are suspects", arguments: 1...5)
    func smallLimits(limit: Int) {
        let turn = SuspectTurn(maximumAttempts: limit)
        #expect(turn.isSuspect(attempts: 0, hasComeBack: true) == (limit <= 2))
        #expect(turn.isSuspect(attempts: 1, hasComeBack: true))
        #expect(!turn.isSuspect(attempts: 0, hasComeBack: false))
    }

    @Test("Who waits asks again when the turn passes on")
    func waiting() async {
        let turn = SharedTurn()
        let timers = VirtualTimers()
        #expect(turn.take(1, now: timers.now) == nil)
        let asked = Gate()
        async let began: Void = SuspectTurn.wait(timers) { now in
            defer { asked.open() }
            return turn.take(2, now: now)
        }
        await asked.wait()
        turn.end(1)
        await began
        #expect(turn.take(1, now: timers.now) != nil)
    }
}
