import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryWire
import Logging
import NIOConcurrencyHelpers
import Testing

@testable import CeleryDialect

/// A beat that answers `ping`, as Celery's does.
@Suite("A beat's remote control", .timeLimit(.minutes(5)))
struct BeatControlTests {
    /// Has a beat answer that looked at its schedule as long ago as `ages` say, one for each ping, and asks it.
    private func replies(
        to methods: [String], ages: [Duration?] = [], maximumAge: Duration? = .seconds(60)
    ) async throws -> [CeleryControlReply] {
        let mailbox = FakeMailbox()
        let rest = NIOLockedValueBox(ages)
        let made = CeleryBeatControl(
            nodeName: "celerybeat@test", maximumAge: maximumAge, configuration: CeleryControlConfiguration(),
            content: ControlContent(), broker: mailbox, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            age: { rest.withLockedValue { $0.isEmpty ? nil : $0.removeFirst() } })
        let control = try #require(made)
        let stopping = Gate()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await control.answer(until: stopping) }
            for (index, method) in methods.enumerated() {
                var request = CeleryControlRequest(method, arguments: [:], clock: 5)
                request.ticket = "\(method) \(index)"
                request.replyTo = CeleryReplyAddress(exchange: "reply.celery.pidbox", routingKey: "me")
                if let message = try? request.encode() { await mailbox.deliver(.success(message)) }
            }
            // What is in the lane is answered before the end.
            stopping.open()
        }
        return mailbox.published.compactMap { try? CeleryControlReply.decode($0.message) }
    }

    @Test("answers ping under its name, and nothing else")
    func ping() async throws {
        let replies = try await replies(to: ["active", "ping", "no_such_cmd"])
        #expect(replies.map(\.ticket) == ["ping 1"])
        #expect(replies.first?.nodeName == "celerybeat@test" && replies.first?.value == ["ok": "pong"])
    }

    @Test("is silent once the beat has not looked at its schedule for too long")
    func stale() async throws {
        let ages: [Duration?] = [.seconds(59), .seconds(61), nil, .seconds(-5)]
        let pings = Array(repeating: "ping", count: 4)
        let bounded = try await replies(to: pings, ages: ages)
        #expect(bounded.map(\.ticket) == ["ping 0", "ping 2", "ping 3"])
        #expect(try await replies(to: pings, ages: ages, maximumAge: nil).count == 4)
    }

    @Test("the limit is the setting's, or twice the longest pause, and a minute at least")
    func limits() {
        #expect(CeleryBeatControl.maximumAge(nil, maximumPause: .seconds(300)) == .seconds(600))
        #expect(CeleryBeatControl.maximumAge(nil, maximumPause: .seconds(5)) == .seconds(60))
        #expect(CeleryBeatControl.maximumAge(.seconds(5), maximumPause: .seconds(300)) == .seconds(5))
        #expect(CeleryBeatControl.maximumAge(.zero, maximumPause: .seconds(300)) == nil)
    }
}
