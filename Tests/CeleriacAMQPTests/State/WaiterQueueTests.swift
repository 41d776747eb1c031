#if AMQP

import NIOCore
import Testing

@testable import CeleriacAMQP

struct WaiterQueueTests {
    let start = NIODeadline.uptimeNanoseconds(0)

    private func waiter(_ id: WaiterID) -> Waiter {
        Waiter(id: id, deadline: start + .seconds(Int64(id)), operation: "x")
    }

    @Test("A waiter is answered once")
    func once() {
        var queue = WaiterQueue()
        queue.add(waiter(1))
        #expect(queue.isWaiting(1))
        #expect(queue.settle(1)?.id == 1)
        #expect(!queue.isWaiting(1))
        #expect(queue.settle(1) == nil)
        #expect(queue.removeAll().isEmpty)
    }

    @Test("Expired waiters are found, answered ones are dropped")
    func expiry() {
        var queue = WaiterQueue()
        for id in 1...5 { queue.add(waiter(WaiterID(id))) }
        #expect(queue.settle(2)?.id == 2)
        #expect(queue.removeExpired(start).isEmpty)
        #expect(queue.removeExpired(start + .seconds(3)).map(\.id) == [1, 3])
        #expect(queue.nextDeadline == start + .seconds(4))
        #expect(queue.isWaiting(5))
        #expect(!queue.isWaiting(1))
        #expect(!queue.isWaiting(6))
        #expect(queue.removeAll().map(\.id) == [4, 5])
        #expect(queue.nextDeadline == nil)
    }

    @Test("Callers that arrive in another order than their ids are all answered")
    func otherOrder() {
        var queue = WaiterQueue()
        for id in [1, 3, 2, 6, 5, 4] as [WaiterID] { queue.add(waiter(id)) }
        for id in [3, 2, 6, 4, 5, 1] as [WaiterID] { #expect(queue.settle(id)?.id == id) }
        #expect(queue.count == 0)
    }

    @Test("Answered waiters do not pile up behind one that waits")
    func cleanup() {
        var queue = WaiterQueue()
        queue.add(waiter(1))
        for id in 2...10_000 {
            queue.add(waiter(WaiterID(id)))
            #expect(queue.settle(WaiterID(id)) != nil)
            #expect(queue.count <= 128)
        }
        #expect(queue.isWaiting(1))
    }

    @Test("A caller that had sent nothing is answered as such")
    func nothingSent() {
        var queue = WaiterQueue()
        queue.add(waiter(1))
        queue.add(waiter(2))
        queue.setNothingSent(true, for: 2)
        #expect(queue.settle(1)?.nothingSent == false)
        #expect(queue.settle(2)?.nothingSent == true)
    }
}

#endif
