import CeleriacWire
import Testing

@testable import CeleriacCommand

@Suite("The draining of workers") struct DrainProgressTests {
    private func replies(_ node: String, _ count: Int) -> [NodeReply] {
        [NodeReply(node: node, value: .array(Array(repeating: [:], count: count)))]
    }

    private func round(
        _ progress: inout DrainProgress, _ node: String, serving: Int = 0, running: Int = 0, waiting: Int = 0,
        scheduled: Int = 0
    ) {
        progress.note(replies(node, serving), \.serving)
        progress.note(replies(node, running), \.running)
        progress.note(replies(node, waiting), \.waiting)
        progress.note(replies(node, scheduled), \.scheduled)
        progress.endRound(asked: [node], answered: [node])
    }

    @Test("is over when they have held nothing twice")
    func end() {
        var progress = DrainProgress(["a"], withScheduled: false)
        progress.note(NodeReply(node: "a", value: ["ok": "no longer consuming from q"]), leaving: "q")
        #expect(progress.all.first?.queues == ["q"] && !progress.isComplete)
        round(&progress, "a", running: 1, waiting: 2)
        #expect(progress.line == "0 of 1 workers are drained; 1 task runs, 2 wait to run")
        round(&progress, "a")
        #expect(!progress.isComplete)
        round(&progress, "a", running: 1)
        round(&progress, "a", scheduled: 3)
        #expect(!progress.isComplete)
        round(&progress, "a", scheduled: 3)
        #expect(progress.isComplete && progress.undrained.isEmpty)
    }

    @Test("waits for what waits for its time, if that is wanted, and for queues to be left")
    func scheduled() {
        var progress = DrainProgress(["a"], withScheduled: true)
        for _ in 0..<3 { round(&progress, "a", scheduled: 1) }
        for _ in 0..<3 { round(&progress, "a", serving: 1) }
        #expect(!progress.isComplete)
        for _ in 0..<2 { round(&progress, "a") }
        #expect(progress.isComplete)
    }

    @Test("gives up those that refuse or answer no more")
    func lost() {
        var progress = DrainProgress(["a", "b"], withScheduled: false)
        progress.note(NodeReply(node: "a", value: ["error": "NotImplementedError('x')"]), leaving: "q")
        progress.note(NodeReply(node: "stranger", value: ["ok": ""]), leaving: "q")
        #expect(progress.all.first?.refusals == ["q: NotImplementedError('x')"])
        #expect(progress.all.map(\.node) == ["a", "b"] && progress.undrained.map(\.node) == ["b"])
        for _ in 0..<4 { progress.endRound(asked: ["b"], answered: []) }
        round(&progress, "b", running: 1)
        for _ in 0..<5 { progress.endRound(asked: ["b"], answered: []) }
        #expect(progress.undrained.isEmpty && !progress.isComplete)
    }
}
