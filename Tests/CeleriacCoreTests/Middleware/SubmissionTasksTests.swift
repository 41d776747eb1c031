import CeleriacWire
import Testing

@testable import CeleriacCore

/// A form of submissions with two tasks, one of which has no id.
private struct Pair: NativeSignature {
    var first: WireObject = [:]
    var second: WireObject = [:]

    var nativeTasks: [NativeTask] {
        [
            NativeTask(name: "first", id: "1st", headers: first),
            NativeTask(name: "second", id: "", headers: second),
        ]
    }

    func with(headers: [WireObject]) -> any NativeSignature { Pair(first: headers[0], second: headers[1]) }
}

@Suite("Tasks of submissions") struct SubmissionTasksTests {
    private func task(_ name: String, links: [Submission] = []) -> Submission {
        var task = TaskSubmission(id: "id of \(name)", name: name, arguments: [])
        task.links = links
        return .task(task)
    }

    private var workflow: Submission {
        .chain(
            [
                task("a", links: [task("b")]),
                .group([task("c"), .native(Pair())], SubmissionOptions(errorLinks: [task("d")])),
                .chord([task("e")], body: task("f"), SubmissionOptions()),
            ], SubmissionOptions(links: [task("g")]))
    }

    @Test("all tasks of a workflow are seen, callbacks and those of a dialect's own form among them")
    func seen() {
        let tasks = workflow.sentTasks(parent: nil)
        #expect(tasks.map(\.name) == ["a", "b", "c", "first", "second", "d", "e", "f", "g"])
        #expect(tasks.first?.id == "id of a" && tasks.first?.parent == nil)
    }

    @Test("each gets its own options back")
    func changed() {
        var tasks = workflow.sentTasks(parent: nil)
        for index in tasks.indices { tasks[index].options.headers["name"] = .string(tasks[index].name) }
        var rest = tasks[...]
        let changed = workflow.taking(&rest)
        #expect(rest.isEmpty)
        let headers = changed.sentTasks(parent: nil).map { $0.options.headers["name"]?.stringValue ?? "" }
        #expect(headers == ["a", "b", "c", "first", "second", "d", "e", "f", "g"])
    }
}
