import Foundation
import Testing

@testable import CeleriacCore

@Suite("Autoscaling") struct AutoscalerTests {
    private let start = Date(timeIntervalSince1970: 1_000)

    private func ledger(_ range: ClosedRange<Int>) -> AutoscaleLedger { AutoscaleLedger(range: range, now: start) }

    @Test("grows at once with the tasks that are held, to the upper bound")
    func grows() {
        var ledger = ledger(2...10)
        #expect(ledger.change(held: 0, concurrency: 2, now: start) == 0)
        #expect(ledger.change(held: 5, concurrency: 2, now: start) == 3)
        #expect(ledger.change(held: 500, concurrency: 5, now: start) == 5)
        #expect(ledger.change(held: 500, concurrency: 10, now: start) == 0)
    }

    @Test("shrinks when it has been quiet for longer than its patience, to what is held or the lower bound")
    func shrinks() {
        var ledger = ledger(2...10)
        ledger.taskCame(now: start)
        #expect(ledger.change(held: 1, concurrency: 10, now: start.addingTimeInterval(30)) == 0)
        ledger.taskCame(now: start.addingTimeInterval(20))
        #expect(ledger.change(held: 1, concurrency: 10, now: start.addingTimeInterval(50)) == 0)
        #expect(ledger.change(held: 4, concurrency: 10, now: start.addingTimeInterval(51)) == -6)
        #expect(ledger.change(held: 0, concurrency: 4, now: start.addingTimeInterval(52)) == -2)
        #expect(ledger.change(held: 0, concurrency: 2, now: start.addingTimeInterval(90)) == 0)
        // A look that came out of order changes nothing.
        ledger.taskCame(now: start)
        #expect(ledger.change(held: 5, concurrency: 2, now: start.addingTimeInterval(91)) == 3)
        #expect(ledger.change(held: 0, concurrency: 5, now: start.addingTimeInterval(120)) == 0)
    }

    @Test("new bounds hold at once")
    func bounds() {
        var ledger = ledger(2...10)
        ledger.range = 1...3
        #expect(ledger.change(held: 8, concurrency: 8, now: start) == -5)
        ledger.range = 4...5
        #expect(ledger.change(held: 0, concurrency: 3, now: start) == 1)
    }

    @Test("bounds that cannot be are refused", arguments: [0...5, 1...65_536])
    func refusals(_ range: ClosedRange<Int>) {
        var configuration = WorkerConfiguration(queues: ["a"])
        configuration.autoscale = range
        #expect(throws: CeleriacError.self) { try configuration.validate() }
        configuration.autoscale = 1...65_535
        #expect(throws: Never.self) { try configuration.validate() }
        #expect(configuration.initialConcurrency == 1 && configuration.window == 65_535 * 4)
    }
}
