#if AMQP
import CeleriacCore
import Testing

import struct FoundationEssentials.Date

@testable import CeleriacQueues

@Suite("When to connect again")
struct ReconnectionTests {
    private let start = Date(timeIntervalSince1970: 0)

    @Test("Connections that are dropped at once are made again after pauses that grow, up to a second")
    func quickLosses() {
        var reconnection = Reconnection()
        #expect(reconnection.pause(at: start) == nil)
        var pauses: [Duration] = []
        for _ in 0..<20 {
            reconnection.opened(at: start)
            if let pause = reconnection.pause(at: start.addingTimeInterval(0.5)) { pauses.append(pause) }
            // It waits once for each loss.
            #expect(reconnection.pause(at: start.addingTimeInterval(0.5)) == nil)
        }
        #expect(pauses.count == 20 && pauses[0] <= .milliseconds(50))
        #expect(pauses.allSatisfy { $0 > .zero && $0 <= .seconds(1) } && pauses[19] >= .milliseconds(500))
    }

    @Test("One that lasted is made again at once, and ends the pauses")
    func lasting() {
        var reconnection = Reconnection()
        for _ in 0..<10 {
            reconnection.opened(at: start)
            _ = reconnection.pause(at: start)
        }
        reconnection.opened(at: start)
        #expect(reconnection.pause(at: start.addingTimeInterval(2)) == nil)
        reconnection.opened(at: start)
        #expect(reconnection.pause(at: start).map { $0 <= .milliseconds(50) } == true)
    }

    @Test("A failure to connect does not end the pause that follows it, but a stop does")
    func pauseAfterFailure() {
        var state = AMQPConsumerState(served: ["celery"])
        // The broker has closed the channel, for instance because it refuses the consumer.
        let change = state.change
        state.drop()
        state.change = Gate()
        change.open()
        let gate = state.changeAfterFailure
        #expect(gate?.isOpen == false)
        // A stop opens the gate that is waited for.
        state.change.open()
        #expect(gate?.isOpen == true)
        state.isStopped = true
        #expect(state.changeAfterFailure == nil)
    }
}
#endif
