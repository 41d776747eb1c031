#if AMQP

import Testing

@testable import CeleriacAMQP

struct DeliveryWindowTests {
    typealias Acknowledgement = DeliveryWindow.Acknowledgement

    private func window(_ count: UInt64, without: Set<UInt64> = []) throws -> DeliveryWindow {
        var window = DeliveryWindow()
        for tag in 1...count { try window.delivered(tag, needsSettlement: !without.contains(tag)) }
        return window
    }

    @Test("One acknowledgement covers deliveries settled in order")
    func allTogether() throws {
        var window = try window(5)
        #expect(window.acknowledge([1, 2, 3, 4, 5]) == [.init(deliveryTag: 5, multiple: true)])
        #expect(window.span == 0)
    }

    @Test("A single delivery needs no multiple")
    func single() throws {
        var window = try window(3)
        #expect(window.acknowledge([1]) == [.init(deliveryTag: 1, multiple: false)])
    }

    @Test("Deliveries after an unsettled one are acknowledged singly")
    func gap() throws {
        var window = try window(5)
        let acknowledgements = window.acknowledge([1, 2, 4, 5])
        #expect(
            acknowledgements == [
                .init(deliveryTag: 2, multiple: true), .init(deliveryTag: 4, multiple: false),
                .init(deliveryTag: 5, multiple: false),
            ])
        #expect(window.acknowledge([3]) == [.init(deliveryTag: 3, multiple: false)])
        #expect(window.span == 0)
    }

    @Test("A delivery that was settled otherwise does not prevent multiple")
    func settledBetween() throws {
        var window = try window(4)
        #expect(window.settle(2) == true)
        #expect(window.acknowledge([1, 3]) == [.init(deliveryTag: 3, multiple: true)])
        #expect(window.acknowledge([4]) == [.init(deliveryTag: 4, multiple: false)])
    }

    @Test("Deliveries without acknowledgement do not prevent multiple and cannot be settled")
    func withoutSettlement() throws {
        var window = try window(4, without: [1, 3])
        #expect(window.settle(1) == false)
        #expect(window.acknowledge([2, 3, 4]) == [.init(deliveryTag: 4, multiple: true)])
    }

    @Test("Already settled, unknown and future tags are ignored")
    func unknown() throws {
        var window = try window(3)
        #expect(window.acknowledge([2, 2, 0, 9, .max]) == [.init(deliveryTag: 2, multiple: false)])
        #expect(window.acknowledge([2]) == [])
        #expect(window.settle(2) == false)
        #expect(window.settle(1) == true)
        #expect(window.settle(1) == false)
        #expect(window.acknowledge([]) == [])
    }

    @Test("Tags that are out of order are refused")
    func order() throws {
        var window = try window(2)
        #expect(throws: AMQPError.self) { try window.delivered(2, needsSettlement: true) }
        #expect(throws: AMQPError.self) { try window.delivered(4, needsSettlement: true) }
        #expect(throws: AMQPError.self) { try window.delivered(0, needsSettlement: true) }
        try window.delivered(3, needsSettlement: true)
    }

    /// Simulates a broker that follows the window: it must never hear of a tag that it does not consider unsettled, and
    /// never lose one that was not acknowledged.
    @Test("Random settlements agree with a simulated broker")
    func random() throws {
        for _ in 0..<300 {
            var window = DeliveryWindow()
            var atBroker: Set<UInt64> = []
            var unsettled: [UInt64] = []
            var next: UInt64 = 1
            for _ in 0..<40 {
                for _ in 0..<Int.random(in: 0...8) {
                    let needsSettlement = Int.random(in: 0...4) > 0
                    try window.delivered(next, needsSettlement: needsSettlement)
                    if needsSettlement {
                        atBroker.insert(next)
                        unsettled.append(next)
                    }
                    next += 1
                }
                unsettled.shuffle()
                let count = Int.random(in: 0...unsettled.count)
                let chosen = Array(unsettled.suffix(count))
                unsettled.removeLast(count)
                if Bool.random(), let one = chosen.first {
                    #expect(window.settle(one) == true)
                    #expect(atBroker.remove(one) != nil)
                }
                for acknowledgement in window.acknowledge(chosen) {
                    #expect(atBroker.contains(acknowledgement.deliveryTag))
                    atBroker = atBroker.filter {
                        acknowledgement.multiple
                            ? $0 > acknowledgement.deliveryTag : $0 != acknowledgement.deliveryTag
                    }
                }
                #expect(atBroker == Set(unsettled))
            }
        }
    }
}

#endif
