import ArgumentParser
import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

@testable import CeleriacCommand

/// `celeriac pause` and `resume` beside a real Celery worker and one of ours.
@Suite("celeriac pause and resume", .timeLimit(.minutes(5)))
struct PauseCommandTests {
    @Test("find who serves a queue, and tell what workers answered")
    func outcome() {
        let replies = [
            NodeReply(node: "b@h", value: [["name": "q"], ["name": "r"]]),
            NodeReply(node: "a@h", value: [["name": "q"]]), NodeReply(node: "c@h", value: []),
            NodeReply(node: "d@h", value: ["error": "no"]),
        ]
        #expect(PauseOutcome.nodes(serving: "q", in: replies) == ["a@h", "b@h"])
        #expect(PauseOutcome.nodes(serving: "x", in: replies) == [])
        var outcome = PauseOutcome()
        outcome.add([NodeReply(node: "a@h", value: ["ok": "no longer consuming from q"])], about: "q")
        #expect(outcome.isComplete && outcome.answers.first?.text == "no longer consuming from q")
        outcome.add([NodeReply(node: "b@h", value: ["error": "NotImplementedError('x')"])], about: "q")
        #expect(!outcome.isComplete && outcome.answers.last?.isRefusal == true)
    }

    @Test("a worker that is told again is listed once, unless it now refuses, and one that still serves is named")
    func again() {
        var outcome = PauseOutcome()
        let agreed = NodeReply(node: "a@h", value: ["ok": "no longer consuming from q"])
        outcome.add([agreed], about: "q")
        outcome.add([agreed], about: "q")
        outcome.add([agreed], about: "r")
        #expect(outcome.isComplete && outcome.answers.map(\.queue) == ["q", "r"])
        outcome.add([NodeReply(node: "a@h", value: ["error": "no"])], about: "q")
        #expect(!outcome.isComplete && outcome.answers.count == 3 && outcome.answers.last?.isRefusal == true)
        var still = PauseOutcome()
        still.leave("q", servedBy: ["a@h"])
        still.leave("r", servedBy: ["a@h", "b@h"])
        #expect(!still.isComplete && still.notes == ["a@h still serves q.", "a@h, b@h still serve r."])
    }

    @Test("say what became of each queue, also if nobody was told")
    func notes() throws {
        var outcome = PauseOutcome()
        outcome.pause("q", keepsNote: true)
        outcome.pause("r", keepsNote: false)
        outcome.resume("s", servedBy: [NodeReply(node: "a@h", value: ["ok": "add consumer s"])], hadNote: false)
        outcome.resume("t", servedBy: [NodeReply(node: "a@h", value: ["error": "no"])], hadNote: true)
        #expect(outcome.isComplete)
        // Nothing was paused, and nobody has done anything.
        outcome.resume("u", servedBy: [], hadNote: false)
        #expect(!outcome.isComplete)
        #expect(
            outcome.notes == [
                "q is paused: no worker serves it, and Swift workers that start later leave it out.",
                "r is paused: no worker serves it, but workers that start later serve it, for this transport keeps no "
                    + "note of it.",
                "s is served again.",
                "t is not paused any more: Swift workers that left it out when they started take it up.",
                "No worker has agreed to serve u.",
            ])
    }

    @Test("take queues one by one, or with commas between them")
    func names() throws {
        let command = try PauseCommand.parse(["a, b", "c", "-b", "redis://localhost/0"])
        #expect(command.paused.queues == ["a", "b", "c"])
        #expect(throws: (any Error).self) { try PauseCommand.parse([",", "-b", "redis://localhost/0"]) }
    }

    typealias Transport = RemoteVerbTests.Transport

    @Test("nobody serves a paused queue, nor a worker that starts later", arguments: Transport.available)
    func pause(_ transport: Transport) async throws {
        let url = try await transport.url()
        let results = transport == .redis ? url : "rpc://"
        let python = try await PythonPeer(broker: url, results: results).startWorker()
        let app = try CeleryApp(broker: url, results: results)
        try await until { try await !app.control(destination: [python.name]).ping().isEmpty }
        let add = TaskDefinition<Int, Int, Int>("tasks.add")
        func run(_ arguments: String...) async throws -> CommandRun {
            try await CommandRun(arguments + ["-b", url, "-t", "2", "--json"])
        }

        let paused = try await run("pause", "celery")
        let told = try WireJSON.decode(Array(paused.output.utf8))
        #expect(paused.status == .exited(0) && told["complete"] == true, "\(paused.errors)")
        #expect(told["answers"]?[0]?["node"] == .string(python.name))
        let again = try await CommandRun(["pause", "celery", "-b", url, "-t", "2"])
        #expect(again.status == .exited(0) && again.output.contains("celery is paused: no worker serves it, "))
        let waiting = try await app.send(add(1, 2))

        let configuration = WorkerConfiguration(queues: ["celery", "other"], nodeName: "swift@late")
        let worker = app.worker(configuration) { add.handler { $0 + $1 } }
        try await withRunning(worker) {
            let control = app.control(destination: ["swift@late"], timeout: .seconds(30))
            try await until { try await !control.ping().isEmpty }
            let served = try await control.activeQueues().first?.get().map { $0["name"] }
            #expect(served == ["other"])
            let queues = try await run("queues", "-Q", "celery")
            let row = try WireJSON.decode(Array(queues.output.utf8))["queues"]?[0]
            #expect(row?["paused"] == true && row?["waiting"] == 1 && row?["workers"] == [], "\(queues.output)")

            let resumed = try await run("resume", "celery")
            #expect(resumed.status == .exited(0), "\(resumed.output)")
            #expect(resumed.output.contains("celery is served again."))
            let sum = try await waiting.get(timeout: .seconds(60))
            #expect(sum == 3)
            // Nobody tells this one.
            try await until {
                try await control.activeQueues().first?.get().count == 2
            }
        }
        let late = try await run("resume", "celery")
        #expect(late.status == .exited(1) && late.output.contains("is not paused"))
        await app.close()
        await python.stop()
    }
}
