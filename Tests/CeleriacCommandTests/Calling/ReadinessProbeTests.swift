import CeleriacCore
import CeleryDialect
import Testing

@testable import CeleriacCommand

/// What a probe makes of workers' replies.
@Suite("Readiness probe") struct ReadinessProbeTests {
    private func reply(_ node: String, _ reasons: String...) -> ControlReply<[String]> {
        ControlReply(node: node, result: .success(reasons))
    }

    @Test("succeeds if all that were asked take tasks")
    func ready() {
        let probe = ReadinessProbe([reply("a@h"), reply("b@h")], asked: nil)
        #expect(probe.isReady && probe.status == 0 && probe.lines == ["a@h: ready", "b@h: ready"])
        #expect(ReadinessProbe([reply("a@h")], asked: ["a@h", "a@h"]).status == 0)
    }

    @Test("fails if one of them takes none, and says why")
    func notReady() {
        let probe = ReadinessProbe([reply("a@h"), reply("b@h", "x", "y")], asked: nil)
        #expect(!probe.isReady && probe.status == 69 && probe.lines == ["a@h: ready", "b@h: not ready: x; y"])
        let refused = ControlReply<[String]>(
            node: "a@h", result: .failure(CeleriacError(.refused, "KeyError('stats')")))
        #expect(ReadinessProbe([refused], asked: nil).lines == ["a@h: not ready: KeyError('stats')"])
        #expect(ReadinessProbe([refused], asked: nil).status == 69)
    }

    @Test("fails if one that was asked does not reply, or nobody does")
    func silent() {
        let probe = ReadinessProbe([reply("a@h")], asked: ["a@h", "b@h", "b@h"])
        #expect(probe.status == 69 && probe.lines == ["a@h: ready", "b@h: no reply"])
        #expect(ReadinessProbe([], asked: nil).lines == ["no worker has replied"])
        #expect(ReadinessProbe([], asked: nil).status == 69 && ReadinessProbe([], asked: []).status == 69)
    }
}
