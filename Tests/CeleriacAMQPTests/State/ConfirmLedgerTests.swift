#if AMQP

import CeleriacWire
import NIOCore
import Testing

@testable import CeleriacAMQP

struct ConfirmLedgerTests {
    /// A batch, and its caller's answers.
    final class Caller {
        var answers: [[AMQPPublishOutcome]?] = []
        let batch: PublishBatch

        convenience init(_ count: Int) {
            self.init((0..<count).map { AMQPPublish(routingKey: "\($0)", message: WireMessage()) })
        }

        init(_ messages: [AMQPPublish]) {
            batch = PublishBatch(messages, waiter: 1)
        }

        var outcomes: [AMQPPublishOutcome]? { answers.first ?? nil }
    }

    /// Records a confirm, and answers the callers whose batches it completes.
    private func settle(
        _ ledger: inout ConfirmLedger, _ callers: [Caller], _ tag: UInt64, multiple: Bool = false,
        as outcome: AMQPPublishOutcome = .confirmed
    ) throws {
        for batch in try ledger.settle(tag, multiple: multiple, as: outcome) {
            callers.first { $0.batch === batch }?.answers.append(batch.outcomes())
        }
    }

    @Test("Confirms arrive one by one, in any order")
    func single() throws {
        for order: [UInt64] in [[1, 2, 3], [3, 2, 1], [2, 3, 1]] {
            var ledger = ConfirmLedger()
            let caller = Caller(3)
            ledger.add(caller.batch)
            for tag in order {
                #expect(caller.answers.isEmpty)
                try settle(&ledger, [caller], tag, as: tag == 2 ? .nacked : .confirmed)
            }
            #expect(caller.outcomes == [.confirmed, .nacked, .confirmed])
            #expect(ledger.isEmpty)
        }
    }

    @Test("One confirm covers many batches")
    func multiple() throws {
        var ledger = ConfirmLedger()
        let callers = [Caller(2), Caller(3), Caller(1), Caller(2)]
        for caller in callers { ledger.add(caller.batch) }
        #expect(ledger.nextSequence == 9)
        try settle(&ledger, callers, 4)
        try settle(&ledger, callers, 3, multiple: true, as: .nacked)
        #expect(callers[0].outcomes == [.nacked, .nacked])
        #expect(callers[1].outcomes == nil)
        try settle(&ledger, callers, 6, multiple: true)
        #expect(callers[1].outcomes == [.nacked, .confirmed, .confirmed])
        #expect(callers[2].outcomes == [.confirmed])
        #expect(callers[3].outcomes == nil)
        try settle(&ledger, callers, 0, multiple: true)
        #expect(callers[3].outcomes == [.confirmed, .confirmed])
        #expect(ledger.isEmpty)
    }

    @Test("A later batch may be complete before an earlier one")
    func laterFirst() throws {
        var ledger = ConfirmLedger()
        let callers = (0..<20).map { _ in Caller(1) }
        for caller in callers { ledger.add(caller.batch) }
        for tag in (1...20).reversed() {
            #expect(callers[tag - 1].outcomes == nil)
            try settle(&ledger, callers, UInt64(tag))
            #expect(callers[tag - 1].outcomes == [.confirmed])
        }
        #expect(ledger.isEmpty)
    }

    @Test("A repeated confirm changes nothing; one of an unknown publish is refused")
    func unknown() throws {
        var ledger = ConfirmLedger()
        let caller = Caller(2)
        ledger.add(caller.batch)
        try settle(&ledger, [caller], 1)
        try settle(&ledger, [caller], 1, as: .nacked)
        try settle(&ledger, [caller], 2)
        try settle(&ledger, [caller], 2, multiple: true)
        #expect(caller.outcomes == [.confirmed, .confirmed])
        #expect(caller.answers.count == 1)
        #expect(throws: AMQPError.self) { try settle(&ledger, [caller], 3) }
        #expect(throws: AMQPError.self) { try settle(&ledger, [caller], 0) }
    }

    private func publish(_ key: String, _ body: String, mandatory: Bool = true) -> AMQPPublish {
        AMQPPublish(exchange: "e", routingKey: key, mandatory: mandatory, message: WireMessage(body: Array(body.utf8)))
    }

    @Test("A return belongs to the publish with its key and body, and outlasts the confirm")
    func returned() throws {
        var ledger = ConfirmLedger()
        let first = Caller([publish("a", "1", mandatory: false), publish("a", "1"), publish("b", "1")])
        let second = Caller([publish("a", "2"), publish("a", "2"), publish("a", "2")])
        ledger.add(first.batch)
        ledger.add(second.batch)
        let outcome = AMQPPublishOutcome.returned(code: 312, text: "NO_ROUTE")
        ledger.markReturned(exchange: "e", routingKey: "a", message: WireMessage(body: [0x31]), outcome)
        ledger.markReturned(exchange: "e", routingKey: "a", message: WireMessage(body: [0x32]), outcome)
        ledger.markReturned(exchange: "e", routingKey: "a", message: WireMessage(body: [0x32]), outcome)
        ledger.markReturned(exchange: "x", routingKey: "a", message: WireMessage(body: [0x32]), outcome)
        #expect(first.answers.isEmpty && second.answers.isEmpty)
        try settle(&ledger, [first, second], 6, multiple: true)
        #expect(first.outcomes == [.confirmed, outcome, .confirmed])
        #expect(second.outcomes == [outcome, outcome, .confirmed])
        #expect(first.outcomes?[1].error?.replyCode == 312)
    }

    @Test("Unanswered batches can be removed, and each caller is answered once")
    func removeAll() throws {
        var ledger = ConfirmLedger()
        let callers = [Caller(1), Caller(2), Caller(1)]
        for caller in callers { ledger.add(caller.batch) }
        try settle(&ledger, callers, 4)
        try settle(&ledger, callers, 2)
        for batch in ledger.removeAll() {
            callers.first { $0.batch === batch }?.answers.append(nil)
        }
        #expect(callers.map(\.answers.count) == [1, 1, 1])
        #expect(callers[2].outcomes == [.confirmed])
        #expect(ledger.isEmpty)
    }
}

#endif
