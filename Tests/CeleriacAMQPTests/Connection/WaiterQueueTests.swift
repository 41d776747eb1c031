#if AMQP

import NIOCore
import Testing

@testable import CeleriacAMQP

struct WaiterQueueTests {
    let start = NIODeadline.now()

    private func waiter(_ id: UInt64) -> Waiter {
        Waiter(id: id, deadline: start + .seconds(Int64(id)), operation: "x") { _ in }
    }

    @Test("A waiter is answered once")
    func once() {
        var answers = 0
        let waiter = Waiter(id: 1, deadline: start, operation: "x") { _ in answers += 1 }
        #expect(!waiter.isSettled)
        waiter.fail(.cancelled)
        waiter.settle(.success(.outcomes([])))
        waiter.fail(.connectionClosed)
        #expect(waiter.isSettled)
        #expect(answers == 1)
    }

    @Test("Who waited too long is found, who was answered is dropped")
    func expiry() {
        var queue = WaiterQueue()
        let waiters = (1...5).map { waiter(UInt64($0)) }
        for waiter in waiters { queue.add(waiter) }
        waiters[1].fail(.cancelled)
        #expect(queue.removeExpired(start).isEmpty)
        #expect(queue.removeExpired(start + .seconds(3)).map(\.id) == [1, 3])
        #expect(queue.nextDeadline == start + .seconds(4))
        #expect(queue.waiter(5)?.id == 5)
        #expect(queue.waiter(1) == nil)
        #expect(queue.waiter(6) == nil)
        #expect(queue.removeAll().map(\.id) == [4, 5])
        #expect(queue.nextDeadline == nil)
    }

    @Test("The answered do not pile up behind one who waits")
    func cleanup() {
        var queue = WaiterQueue()
        let first = waiter(1)
        queue.add(first)
        weak var sample: Waiter?
        for id in 2...10_000 {
            let waiter = waiter(UInt64(id))
            if id == 100 { sample = waiter }
            queue.add(waiter)
            waiter.fail(.cancelled)
        }
        #expect(sample == nil)
        #expect(queue.waiter(1)?.id == 1)
    }
}

#endif
