#if AMQP

import NIOCore
import Testing

@testable import CeleriacAMQP

struct HeartbeatClockTests {
    let start = NIODeadline.now()

    @Test("A heartbeat is due after half an interval without writes")
    func sending() {
        var clock = HeartbeatClock(interval: .seconds(10), now: start)
        #expect(clock.period == .seconds(5))
        #expect(clock.duty(at: start + .milliseconds(4999)).sendsHeartbeat == false)
        #expect(clock.duty(at: start + .seconds(5)).sendsHeartbeat == true)
        clock.wrote(start + .seconds(4))
        #expect(clock.duty(at: start + .seconds(8)).sendsHeartbeat == false)
        #expect(clock.duty(at: start + .seconds(9)).sendsHeartbeat == true)
    }

    @Test("The peer is dead after two intervals without reads")
    func dying() {
        var clock = HeartbeatClock(interval: .seconds(10), now: start)
        clock.wrote(start + .seconds(19))
        #expect(clock.duty(at: start + .milliseconds(19_999)).isPeerDead == false)
        #expect(clock.duty(at: start + .seconds(20)).isPeerDead == true)
        clock.heard(start + .seconds(15))
        #expect(clock.duty(at: start + .seconds(34)).isPeerDead == false)
        #expect(clock.duty(at: start + .seconds(35)).isPeerDead == true)
    }
}

#endif
