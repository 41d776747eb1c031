import CeleriacCore
import CeleriacWire
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
        #expect(ReadinessProbe([], asked: nil).object.isEmpty)
        #expect(ReadinessProbe([], asked: nil).status == 69 && ReadinessProbe([], asked: []).status == 69)
    }

    @Test("tells it as JSON by node, in the order of the names, and cannot control the terminal")
    func told() {
        let probe = ReadinessProbe([reply("b@h", "x"), reply("a@h")], asked: ["a@h", "b@h", "c@h"])
        let expected: WireObject = [
            "a@h": ["ready": true, "reasons": []], "b@h": ["ready": false, "reasons": ["x"]],
            "c@h": ["ready": false, "reasons": ["no reply"]],
        ]
        #expect(probe.object == expected)
        #expect(probe.lines == ["a@h: ready", "b@h: not ready: x", "c@h: no reply"])
        let hostile = ReadinessProbe([reply("a\u{1B}", "\u{1B}[2J")], asked: nil)
        #expect(hostile.lines.allSatisfy { !$0.contains("\u{1B}") })
    }
}
