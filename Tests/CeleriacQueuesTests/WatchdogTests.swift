#if AMQP
import CeleriacTestKit
import FoundationEssentials
import Testing

@testable import CeleriacQueues

@Suite("Watchdog") struct WatchdogTests {
    private let timers = VirtualTimers()

    /// Looks every ten seconds, and notes after how many seconds there is an alarm.
    private func alarms(_ watchdog: inout Watchdog, _ depths: [[String: Int]]) -> [Int] {
        let start = timers.now
        var alarms: [Int] = []
        for depths in depths {
            timers.advance(by: watchdog.interval)
            if watchdog.look(depths, now: timers.now) != nil {
                alarms.append(Int(timers.now.timeIntervalSince(start)))
            }
        }
        return alarms
    }

    @Test("barks when a queue has not fallen for thirty seconds, then ever later, until something arrives")
    func standstill() {
        var watchdog = Watchdog()
        // It first sees the queue after ten seconds. After each alarm it begins anew.
        #expect(alarms(&watchdog, Array(repeating: ["q": 3], count: 30)) == [40, 110, 240])
        watchdog.rest()
        #expect(alarms(&watchdog, [["q": 3], ["q": 4], ["q": 5], ["q": 5]]) == [40])
    }

    @Test("pauses sixteen minutes at most")
    func longest() {
        var watchdog = Watchdog()
        let alarms = alarms(&watchdog, Array(repeating: ["q": 1], count: 1000))
        #expect(zip(alarms.dropFirst(), alarms).map { $0 - $1 }.max() == 970)
    }

    @Test("keeps the last alarm until something arrives, or the queue falls or is watched no longer")
    func standing() {
        var watchdog = Watchdog()
        _ = alarms(&watchdog, Array(repeating: ["q": 3], count: 3))
        #expect(watchdog.standing == nil)
        _ = alarms(&watchdog, [["q": 3], ["q": 4]])
        #expect(watchdog.standing == Watchdog.Alarm(queue: "q", depth: 3, seconds: 30))
        watchdog.rest()
        #expect(watchdog.standing == nil)
        for depths in [["q": 2], [:]] as [[String: Int]] {
            _ = alarms(&watchdog, Array(repeating: ["q": 3], count: 4))
            #expect(watchdog.standing != nil)
            _ = alarms(&watchdog, [depths])
            #expect(watchdog.standing == nil)
            watchdog.rest()
        }
    }

    @Test("foresees the alarm that the next look raises, and notes nothing by that")
    func foresees() {
        var watchdog = Watchdog()
        _ = alarms(&watchdog, Array(repeating: ["a": 1, "b": 2], count: 3))
        timers.advance(by: watchdog.interval)
        for _ in 0..<3 {
            #expect(watchdog.foresees(["a": 1, "b": 2], now: timers.now)?.queue == "a")
            #expect(watchdog.foresees(["b": 2], now: timers.now)?.queue == "b")
        }
        #expect(watchdog.foresees([:], now: timers.now) == nil && watchdog.standing == nil)
        #expect(watchdog.look(["b": 2], now: timers.now)?.queue == "b")
    }

    @Test("says which queue stands still, with how many messages and for how long")
    func says() {
        var watchdog = Watchdog()
        for _ in 0..<3 {
            #expect(watchdog.look(["a": 0, "b": 2], now: timers.now) == nil)
            timers.advance(by: .seconds(10))
        }
        #expect(
            watchdog.look(["a": 0, "b": 7], now: timers.now) == Watchdog.Alarm(queue: "b", depth: 7, seconds: 30))
    }

    @Test(
        "is quiet while a queue is empty, falls, or is not watched",
        arguments: [
            Array(repeating: ["q": 0], count: 20), (0..<20).map { ["q": 100 - $0] }, Array(repeating: [:], count: 20),
            (0..<20).map { $0 % 3 == 0 ? [:] : ["q": 1] }, (0..<20).map { ["q": $0 % 3] },
        ] as [[[String: Int]]])
    func quiet(_ depths: [[String: Int]]) {
        var watchdog = Watchdog()
        #expect(alarms(&watchdog, depths).isEmpty)
    }
}
#endif
