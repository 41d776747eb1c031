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
        #expect(kinds(.sigterm, .sigterm, .sigterm) == ([.stop, .nothing, .nothing], .warm))
        #expect(kinds(.sigint, .sigint, .sigint) == ([.stop, .cancel, .exit], .cold))
        #expect(kinds(.sigint, .sigterm) == ([.stop, .nothing], .warm))
        #expect(kinds(.sigquit) == ([.cancel], .cold))
        #expect(kinds(.sigterm, .sigquit) == ([.stop, .cancel], .cold))
        #expect(kinds() == ([], .warm))
    }

    @Test("a warm shutdown that has given up on something ends as a cold one does")
    func overdue() {
        #expect(WorkerEnding.warm.considering(hasGivenUp: false).status == 0)
        #expect(WorkerEnding.warm.considering(hasGivenUp: true).status == 1)
        for hasGivenUp in [false, true] {
            #expect(WorkerEnding.cold.considering(hasGivenUp: hasGivenUp).status == 1)
            #expect(WorkerEnding.restart.considering(hasGivenUp: hasGivenUp).status == nil)
        }
    }

    @Test("SIGHUP starts a worker again, unless its terminal has gone")
    func restart() {
        #expect(kinds(.sighup) == ([.stop], .restart))
        #expect(kinds(.sighup, .sigterm) == ([.stop, .nothing], .warm))
        #expect(kinds(.sighup, isTerminal: true) == ([.stop], .warm))
        #expect(kinds(.sigterm, .sighup) == ([.stop, .nothing], .warm))
    }

    @Test("a cold shutdown begins softly if that is set and a task runs, or for an idle worker too")
    func soft() {
        func requests(isForIdle: Bool = false) -> ShutdownRequests {
            ShutdownRequests(isTerminal: false, softness: .init(timeout: .seconds(5), isForIdle: isForIdle))
        }
        let busy = requests()
        #expect(busy.next(.sigquit).kind == .soften && busy.ending == .cold && !busy.lingers)
        #expect(busy.next(.sighup).kind == .nothing && busy.next(.sigterm).kind == .nothing)
        #expect(busy.softShutdownIsOver() == .init(kind: .cancel, lines: ["worker: Cold shutdown (MainProcess)"]))
        #expect(busy.softShutdownIsOver().kind == .nothing && busy.next(.sigquit).kind == .exit)

        let warm = requests()
        #expect(warm.next(.sigterm).kind == .stop && warm.next(.sigquit).kind == .soften)
        #expect(warm.next(.sigint).kind == .cancel && warm.softShutdownIsOver().kind == .nothing)
        #expect(warm.next(.sigint).kind == .exit && warm.ending == .cold)

        let idle = requests()
        #expect(idle.next(.sigquit, isBusy: false).kind == .cancel && !idle.lingers)
        let lingering = requests(isForIdle: true)
        #expect(lingering.next(.sigquit, isBusy: false).kind == .soften && lingering.lingers)
        #expect(lingering.next(.sigquit).kind == .cancel && !lingering.lingers)
        let without = ShutdownRequests(isTerminal: false, softness: .init(isForIdle: true))
        #expect(without.next(.sigquit).kind == .cancel)
    }

    @Test("REMAP_SIGTERM makes SIGTERM ask for a cold shutdown")
    func remapped() {
        let requests = ShutdownRequests(isTerminal: false, remapsTermination: true)
        #expect(requests.next(.sigterm).kind == .cancel && requests.ending == .cold)
        let soft = ShutdownRequests(
            isTerminal: false, softness: .init(timeout: .seconds(5)), remapsTermination: true)
        #expect(soft.next(.sigterm).kind == .soften && soft.next(.sigterm).kind == .cancel)
    }

    @Test("each is told in Celery's words")
    func lines() {
        let requests = ShutdownRequests(isTerminal: false)
        #expect(requests.next(.sigterm).lines == ["worker: Warm shutdown (MainProcess)"])
        #expect(requests.next(.sigquit).lines == ["worker: Cold shutdown (MainProcess)"])
        #expect(ShutdownRequests(isTerminal: true).next(.sigint).lines.count == 2)
    }
}
