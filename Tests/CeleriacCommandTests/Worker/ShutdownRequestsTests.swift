import Testing
import UnixSignals

@testable import CeleriacCommand

@Suite("Signals of a worker") struct ShutdownRequestsTests {
    private func kinds(_ signals: UnixSignal..., isTerminal: Bool = false) -> (
        [ShutdownRequests.Action.Kind], WorkerEnding
    ) {
        let requests = ShutdownRequests(isTerminal: isTerminal)
        return (signals.map { requests.next($0).kind }, requests.ending)
    }

    @Test("warm, then cold, then the end")
    func steps() {
        #expect(kinds(.sigterm) == ([.stop], .warm))
        #expect(kinds(.sigterm, .sigterm, .sigterm) == ([.stop, .cancel, .exit], .cold))
        #expect(kinds(.sigint, .sigterm) == ([.stop, .cancel], .cold))
        #expect(kinds(.sigquit) == ([.cancel], .cold))
        #expect(kinds(.sigterm, .sigquit) == ([.stop, .cancel], .cold))
        #expect(kinds() == ([], .warm))
    }

    @Test("SIGHUP starts a worker again, unless its terminal has gone")
    func restart() {
        #expect(kinds(.sighup) == ([.stop], .restart))
        #expect(kinds(.sighup, .sigterm) == ([.stop, .cancel], .cold))
        #expect(kinds(.sighup, isTerminal: true) == ([.stop], .warm))
        #expect(kinds(.sigterm, .sighup) == ([.stop, .nothing], .warm))
    }

    @Test("each is told in Celery's words")
    func lines() {
        let requests = ShutdownRequests(isTerminal: false)
        #expect(requests.next(.sigterm).lines == ["worker: Warm shutdown (MainProcess)"])
        #expect(requests.next(.sigterm).lines == ["worker: Cold shutdown (MainProcess)"])
        #expect(ShutdownRequests(isTerminal: true).next(.sigint).lines.count == 2)
    }
}
