import TestSupport
import Testing

@testable import CeleriacCore

@Suite("Results that arrive", .timeLimit(.minutes(5)))
struct ResultHubTests {
    @Test("what cannot be read fails whoever waits, also who begins later; what follows takes its place")
    func unreadable() async throws {
        let hub = ResultHub(dialect: PlainDialect(), logger: LogRecorder().logger)
        let ticket = hub.hold(["1"])
        let early = ResultWait(["1"])
        hub.begin(early)
        hub.receive([("1", Array("no result".utf8))])
        await #expect(throws: CeleriacError.self) { _ = try await early.next() }
        // A reply comes once, so it is known to whoever asks later.
        let late = ResultWait(["1"])
        hub.begin(late)
        await #expect(throws: CeleriacError.self) { _ = try await late.next() }
        hub.receive([("1", Array(#"{"id": "1", "state": "SUCCESS", "value": 1}"#.utf8))])
        let last = ResultWait(["1"])
        hub.begin(last)
        guard case .complete(let results) = try await last.next() else {
            Issue.record("the result is not passed on")
            return
        }
        #expect(results["1"]?.state == .success)
        withExtendedLifetime(ticket) {}
    }
}
