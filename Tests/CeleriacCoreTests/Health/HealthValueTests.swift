import CeleriacTestKit
import NIOConcurrencyHelpers
import NIOPosix
import Testing

@testable import CeleriacCore

/// What decides about a worker's health, without sockets.
@Suite("Health of a worker", .timeLimit(.minutes(5))) struct HealthValueTests {
    @Test("an address is a host with a port, or a port of this machine alone")
    func addresses() {
        #expect(HealthEndpoint("8080") == HealthEndpoint(port: 8080))
        #expect(HealthEndpoint("0.0.0.0:80") == HealthEndpoint(host: "0.0.0.0", port: 80))
        #expect(HealthEndpoint("localhost:0") == HealthEndpoint(host: "localhost", port: 0))
        #expect(HealthEndpoint("[::1]:8080") == HealthEndpoint(host: "::1", port: 8080))
        #expect(HealthEndpoint(host: "::", port: 80).description == "[::]:80")
        #expect(HealthEndpoint(port: 80).description == "127.0.0.1:80")
        for text in ["", ":", ":80", "a:", "a:b", "a:+80", "a:-1", "a:65536", "::1:80", "[]:80", "a:80:90", "[::1]"] {
            #expect(HealthEndpoint(text) == nil, "\(text)")
        }
    }

    @Test("a port that cannot be is refused before anything happens")
    func impossiblePort() async {
        let worker = Bench().worker(configure: { $0.healthEndpoint = HealthEndpoint(port: 65536) }, handlers: {})
        await #expect { try await worker.run() } throws: { ($0 as? CeleriacError)?.code == .configuration }
    }

    @Test("a loop that leaves a question unanswered for ten seconds stands still, until it answers")
    func pulse() {
        var pulse = LoopPulse()
        let start = ContinuousClock.now
        let first = pulse.look(0, at: start)
        #expect(first && pulse.reason(at: start) == nil)
        // It has not answered yet.
        let second = pulse.look(0, at: start + .seconds(9))
        #expect(!second && pulse.reason(at: start + .seconds(9)) == nil)
        #expect(pulse.reason(at: start + .seconds(12)) == "the worker's loop has not run for 12 s")
        pulse.answered()
        #expect(pulse.reason(at: start + .seconds(13)) == nil)
        let third = pulse.look(0, at: start + .seconds(13))
        #expect(third)
    }

    @Test("so does a loop that makes no step while it takes in messages, but not one that waits or goes on")
    func progress() {
        let progress = LoopProgress()
        let start = ContinuousClock.now
        func reason(_ pulse: inout LoopPulse, after seconds: Int) -> String? {
            _ = pulse.look(progress.steps, at: start + .seconds(seconds))
            pulse.answered()
            return pulse.reason(at: start + .seconds(seconds))
        }
        var pulse = LoopPulse()
        #expect(reason(&pulse, after: 0) == nil)
        #expect(reason(&pulse, after: 5000) == nil)
        progress.turn()
        #expect(reason(&pulse, after: 5001) == nil)
        #expect(reason(&pulse, after: 5500) == nil)
        progress.step()
        #expect(reason(&pulse, after: 5700) == nil)
        #expect(reason(&pulse, after: 6299) == nil)
        #expect(reason(&pulse, after: 6300)?.contains("for 600 s") == true)
        progress.turn()
        #expect(reason(&pulse, after: 6301) == nil)
    }

    @Test("a server is asked once at a time, however many want to know, and its answer holds for a moment")
    func question() async {
        let asked = NIOLockedValueBox(0)
        let (isAsked, answer) = (Gate(), Gate())
        let question = ReachQuestion("redis://r", on: executor) {
            asked.withLockedValue { $0 += 1 }
            isAsked.open()
            await answer.wait()
            throw CeleriacError(.unavailable, "away")
        }
        let timers = VirtualTimers()
        async let first = question.reason(within: .seconds(3600), timers: timers)
        async let second = question.reason(within: .seconds(3600), timers: timers)
        await isAsked.wait()
        await until { timers.count == 2 }
        answer.open()
        #expect(await [first, second] == ["away", "away"])
        #expect(await question.reason(within: .seconds(3600), timers: timers) == "away")
        #expect(asked.withLockedValue { $0 } == 1 && timers.count == 0)
    }

    @Test("a server that does not answer in time is out of reach, and is not asked again before it has answered")
    func silence() async {
        let asked = NIOLockedValueBox(0)
        let answer = Gate()
        let question = ReachQuestion("redis://r", on: executor) {
            asked.withLockedValue { $0 += 1 }
            await answer.wait()
        }
        let timers = VirtualTimers()
        async let reason = question.reason(within: .seconds(3600), timers: timers)
        await until { timers.count == 1 }
        timers.advance(by: .seconds(3600))
        #expect(await reason == "redis://r has not answered for 3600.0 s")
        // It has been asked long before.
        let next = await question.reason(within: .zero, timers: timers)
        #expect(next?.contains("has not answered") == true)
        answer.open()
        // A new question may be asked by then: this one is answered.
        await until { await question.reason(within: .seconds(3600), timers: timers) == nil }
        #expect(asked.withLockedValue { $0 } >= 1)
    }

    @Test("a beat is ready while it looks at its schedule often enough")
    func beat() async {
        let timers = VirtualTimers()
        func reasons(_ age: Duration?, _ maximumAge: Duration? = .seconds(60)) async -> [String] {
            await BeatHealth(nodeName: "celerybeat@test", executor: nil, maximumAge: maximumAge, age: { age })
                .reasonsNotReady(within: .zero, timers: timers)
        }
        #expect(await reasons(nil) == ["the beat has not begun: it has not looked at its schedule yet"])
        #expect(await reasons(.seconds(59)).isEmpty)
        #expect(await reasons(.seconds(61)) == ["the beat has not looked at its schedule for 61 s"])
        #expect(await reasons(.seconds(9999), nil).isEmpty)
    }

    private var executor: EventLoopTaskExecutor {
        EventLoopTaskExecutor(MultiThreadedEventLoopGroup.singleton.next())
    }
}
