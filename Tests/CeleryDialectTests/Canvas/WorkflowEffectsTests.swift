import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire
import Foundation
import Testing

/// The effects of the outcome of a task that belongs to a workflow, without any broker.
@Suite("Effects in workflows")
struct WorkflowEffectsTests {
    private let formats = CeleryFormats(extendsResults: false)
    private let now = EffectBench.now
    private let boom = TaskFailure(type: "ValueError", arguments: ["boom", 42])

    private func request(_ change: (inout CeleryTaskMessage) -> Void) throws -> TaskRequest {
        var task = CeleryTaskMessage(task: "tasks.add", id: "id-1", args: [2, 3])
        task.rootID = "root"
        change(&task)
        return try EffectBench(formats: formats).request(of: try task.encode())
    }

    private func context(errorHandlers: Set<String> = [], children: [ResultReference] = []) -> EffectContext {
        EffectBench.context(children: children, errorHandlers: errorHandlers)
    }

    // MARK: Error callbacks

    @Test func errorCallbacksAreSentWithTheIDOrCalledWhereTheyAreKnown() throws {
        let request = try request { task in
            task.embed.errbacks = [
                ["task": "tasks.sent", "args": ["more"]], ["task": "tasks.called", "args": [7], "kwargs": ["k": 1]],
                ["task": "tasks.alone", "immutable": true],
            ]
        }
        let effects = try formats.effects(
            of: .failure(boom), for: request, in: context(errorHandlers: ["tasks.called"]))
        let sent = try effects.messages()
        #expect(sent.map(\.task) == ["tasks.sent", "tasks.alone"])
        #expect(sent.map(\.args) == [["id-1", "more"], []])
        // They are sent as one group, whose members are children of the failed task.
        #expect(sent.map(\.parentID) == ["id-1", "id-1"] && sent.map(\.rootID) == ["root", "root"])
        #expect(Set(sent.map(\.group)).count == 1 && sent.map(\.groupIndex) == [0, 1])
        let call = ErrorCall(
            name: "tasks.called", failedID: "id-1", arguments: [7], keywordArguments: ["k": 1], failure: boom)
        #expect(effects.filter { if case .call = $0 { true } else { false } } == [.call(call)])
        for outcome in [Outcome.retry(eta: now, cause: boom), .expired, .revoked(.revoked)] {
            let effects = try formats.effects(of: outcome, for: request, in: context())
            #expect(try effects.messages().filter { $0.task != "tasks.add" }.isEmpty, "\(outcome)")
        }
    }

    // MARK: Priorities

    @Test func whatFollowsATaskHasItsPriorityIfThatIsSet() throws {
        let inheriting = CeleryFormats(inheritsPriority: true)
        let request = try request { task in
            task.properties.priority = 7
            task.embed.callbacks = [["task": "tasks.callback", "options": ["priority": 2]]]
            task.embed.chain = [["task": "tasks.next"]]
            task.embed.errbacks = [["task": "tasks.sent"]]
        }
        func priorities(_ formats: CeleryFormats, _ outcome: Outcome) throws -> [UInt8?] {
            try formats.effects(of: outcome, for: request, in: context()).messages().map(\.properties.priority)
        }
        #expect(try priorities(inheriting, .success(5)) == [7, 7])
        #expect(try priorities(formats, .success(5)) == [2, 0])
        #expect(try priorities(inheriting, .failure(boom)) == [0])

        // What its handler sends may have another one.
        var sender = EffectBench.context().publication
        sender.parent = request
        for (asked, expected) in [(nil, 7), (3, 3)] as [(UInt8?, UInt8)] {
            let submission = Submission.task(
                TaskSubmission(id: "2", name: "tasks.add", arguments: [], options: SendOptions(priority: asked)))
            let steps = try inheriting.publication(of: submission, in: sender).steps
            #expect(try steps.map(\.effect).messages().map(\.properties.priority) == [expected])
        }
    }

    // MARK: Chains

    @Test func aFailureIsStoredForTheRestOfTheChain() throws {
        let body: WireValue = ["task": "tasks.sum", "options": ["task_id": "body"]]
        let request = try request { task in
            task.embed.chain = [
                ["task": "tasks.last", "options": ["task_id": "c", "chord": body, "group_id": "g", "group_index": 3]],
                [
                    "task": "celery.chord", "subtask_type": "chord", "options": ["task_id": "b"],
                    "kwargs": ["header": [["task": "x"]], "body": ["task": "y", "options": ["task_id": "b-body"]]],
                ],
                ["task": "tasks.next", "options": ["task_id": "a"]], ["task": "tasks.unnamed"],
            ]
        }
        let effects = try formats.effects(of: .failure(boom), for: request, in: context())
        let results = try effects.stored()
        #expect(Set(results.map(\.taskID)) == ["id-1", "a", "b", "b-body", "c"])
        #expect(results.allSatisfy { $0.status == "FAILURE" && $0.result["exc_message"] == ["boom", 42] })
        #expect(results.first { $0.taskID == "c" }?.groupID == "g")
        // The last step is a part of a chord, which must not wait for it.
        #expect(effects.parts.map(\.taskID) == ["c"] && effects.parts.first?.index == 3)
    }

    @Test func aRejectedTaskFailsWhatWaitsForIt() throws {
        let request = try request { task in
            task.group = "g"
            task.embed.chord = ["task": "tasks.sum", "options": ["task_id": "body"]]
            task.embed.chain = [["task": "tasks.next", "options": ["task_id": "a"]]]
            task.embed.errbacks = [["task": "tasks.sent"]]
        }
        let effects = try formats.effects(of: .rejected(requeue: false), for: request, in: context())
        let results = try effects.stored()
        #expect(results.map(\.taskID) == ["id-1", "a"])
        #expect(results.allSatisfy { $0.status == "FAILURE" && $0.result["exc_type"] == "Reject" })
        #expect(effects.parts.map(\.taskID) == ["id-1"])
        #expect(try effects.messages().map(\.task) == ["tasks.sent"])
        #expect(effects.last == .settle(.reject))
        #expect(try formats.effects(of: .rejected(requeue: true), for: request, in: context()) == [.settle(.requeue)])
    }

    // MARK: Chords

    private func part(_ id: String, _ state: String, _ result: WireValue) throws -> [UInt8] {
        try WireJSON.encode([1, .string(id), .string(state), result])
    }

    private func end(_ body: WireValue, _ parts: [[UInt8]]) throws -> [Effect] {
        let request = try request { task in
            task.group = "g"
            task.groupIndex = 1
            task.embed.chord = body
        }
        let effects = try formats.effects(of: .success(5), for: request, in: context())
        let part = try #require(effects.parts.first)
        #expect(part.groupID == "g" && part.index == 1 && part.payload == Array(#"[1, "id-1", "SUCCESS", 5]"#.utf8))
        return formats.effects(
            of: ChordCompletion(claim: ChordClaim(groupID: "g", token: "t"), parts: parts, group: nil), of: part,
            for: request, in: context())
    }

    @Test func theLastPartPublishesTheBody() throws {
        let body: WireValue = ["task": "tasks.sum", "args": [7], "options": ["task_id": "body", "group_id": "g"]]
        let effects = try end(body, [part("a", "SUCCESS", 1), part("id-1", "SUCCESS", 5)])
        let sent = try #require(try effects.messages().first)
        #expect(sent.id == "body" && sent.args == [[1, 5], 7] && sent.group == "g" && sent.groupIndex == nil)
        #expect(sent.rootID == "root" && sent.parentID == "id-1")
        #expect(effects.last == .chord(.close(ChordClaim(groupID: "g", token: "t"), succeeded: true)))
    }

    @Test func aFailedPartFailsTheBodyByName() throws {
        let errback: WireValue = ["task": "tasks.on_error"]
        let body: WireValue = [
            "task": "tasks.sum",
            "options": [
                "task_id": "body", "link_error": [errback], "chain": [["task": "x", "options": ["task_id": "next"]]],
            ],
        ]
        let failure: WireValue = ["exc_type": "ValueError", "exc_message": ["boom", 42], "exc_module": "builtins"]
        let effects = try end(body, [part("a", "FAILURE", failure), part("id-1", "SUCCESS", 5)])
        let results = try effects.stored()
        #expect(results.map(\.taskID) == ["body", "next"])
        for result in results {
            #expect(result.status == "FAILURE" && result.result["exc_type"] == "ChordError")
            #expect(result.result["exc_module"] == "celery.exceptions")
            #expect(result.result["exc_message"] == ["Dependency a raised ValueError('boom', 42)"])
        }
        #expect(try effects.messages().map(\.args) == [["body"]])
        #expect(effects.last == .chord(.close(ChordClaim(groupID: "g", token: "t"), succeeded: false)))
        let revoked: WireValue = [
            "exc_type": "TaskRevokedError", "exc_message": ["revoked"], "exc_module": "celery.exceptions",
        ]
        let texts = try [
            end(body, [part("a", "REVOKED", revoked)]), end(body, [Array("[1]".utf8)]),
            end(["task": "tasks.sum", "options": ["task_id": "body", "countdown": "x"]], [part("a", "SUCCESS", 1)]),
        ].map { try $0.stored().first?.result["exc_message"]?[0]?.stringValue ?? "" }
        #expect(texts[0] == "Dependency a raised TaskRevokedError('revoked')")
        #expect(texts[1].hasPrefix("Join error: ") && texts[2].hasPrefix("Callback error: "))
    }

    @Test func aGroupAsBodyFailsMemberByMember() throws {
        let own: WireValue = ["task": "tasks.own"]
        let body: WireValue = [
            "task": "celery.group", "subtask_type": "group",
            "options": ["task_id": "group", "link_error": [["task": "tasks.shared"]]],
            "kwargs": [
                "tasks": [
                    ["task": "x", "options": ["task_id": "m1", "link_error": [own]]],
                    ["task": "y", "options": ["task_id": "m2"]],
                ]
            ],
        ]
        let failure: WireValue = ["exc_type": "ValueError", "exc_message": ["boom"], "exc_module": "builtins"]
        let effects = try end(body, [part("a", "FAILURE", failure)])
        let results = try effects.stored()
        #expect(results.map(\.taskID) == ["m1", "m2", "group"])
        #expect(results.allSatisfy { $0.result["exc_type"] == "ValueError" && $0.result["exc_message"] == ["boom"] })
        let sent = try effects.messages()
        #expect(sent.map(\.task) == ["tasks.own", "tasks.shared", "tasks.shared"])
        #expect(sent.map(\.args) == [["m1"], ["m1"], ["m2"]])
    }

    @Test func everyEndOfAHeadersTaskIsAPart() throws {
        let request = try request { task in
            task.group = "g"
            task.embed.chord = ["task": "tasks.sum", "options": ["task_id": "body"]]
        }
        let outcomes: [(Outcome, String?)] = [
            (.success(1), "SUCCESS"), (.failure(boom), "FAILURE"), (.unregistered, "FAILURE"), (.expired, "REVOKED"),
            (.revoked(.revoked), "REVOKED"), (.timedOut(limit: 3), "FAILURE"), (.retry(eta: now, cause: boom), nil),
            (.ignored, nil), (.rejected(requeue: true), nil), (.rejected(requeue: false), "FAILURE"),
        ]
        for (outcome, state) in outcomes {
            let parts = try formats.effects(of: outcome, for: request, in: context()).parts
            let states = try parts.map { try WireJSON.decode($0.payload)[2]?.stringValue }
            #expect(states == (state.map { [$0] } ?? []), "\(outcome)")
            #expect(parts.allSatisfy { $0.index == nil })
        }
    }

    @Test func aTaskIsAddedToItsChord() throws {
        let chord: WireValue = ["task": "tasks.sum", "options": ["task_id": "body"]]
        let request = try request { task in
            task.group = "g"
            task.groupIndex = 2
            task.embed.chord = chord
        }
        let submission = Submission.task(
            TaskSubmission(id: "extra", name: "tasks.extra", arguments: [1]))
        let publication = try formats.addition(of: submission, toChordOf: request, in: context().publication)
        #expect(publication.steps.first == .chord(.extend(groupID: "g")))
        let sent = try #require(try publication.steps.map(\.effect).messages().first)
        #expect(sent.id == "extra" && sent.group == "g" && sent.embed.chord?["task"] == "tasks.sum")
        #expect(throws: CeleriacError.self) {
            try formats.addition(
                of: submission, toChordOf: try self.request { _ in }, in: context().publication)
        }
    }

    // MARK: Replacing

    @Test func aReplacementTakesTheTasksPlace() throws {
        let request = try request { task in
            task.group = "g"
            task.groupIndex = 1
            task.replacedTaskNesting = 2
            task.stampedHeaders = ["who"]
            task.stamps = ["who": "me"]
            task.embed.chord = ["task": "tasks.sum", "options": ["task_id": "body"]]
            task.embed.callbacks = [["task": "tasks.callback"]]
            task.embed.errbacks = [["task": "tasks.errback"]]
        }
        let submission = Submission.task(
            TaskSubmission(id: "other", name: "tasks.other", arguments: [9]))
        let effects = try formats.effects(of: .replaced(Replacement(submission)), for: request, in: context())
        // The task itself stores nothing and gives no part; its replacement does.
        #expect(try effects.stored().isEmpty && effects.parts.isEmpty)
        let sent = try #require(try effects.messages().first)
        #expect(sent.id == "id-1" && sent.task == "tasks.other" && sent.args == [9])
        #expect(sent.group == "g" && sent.groupIndex == 1 && sent.rootID == "root" && sent.parentID == "id-1")
        #expect(sent.replacedTaskNesting == 3)
        #expect(sent.stampedHeaders == ["who"] && sent.stamps["who"] == "me")
        #expect(sent.embed.chord?["options"]?["task_id"] == "body")
        #expect(sent.embed.callbacks?[0]?["task"] == "tasks.callback")
        #expect(sent.embed.errbacks?[0]?["task"] == "tasks.errback")
    }

    @Test func whatFollowsInTheChainFollowsTheReplacement() throws {
        let request = try request { task in
            task.embed.chain = [
                ["task": "tasks.last", "options": ["task_id": "c"]],
                ["task": "tasks.next", "options": ["task_id": "b"]],
            ]
        }
        let submission = Submission.native(
            CelerySignature.group([
                CelerySignature(task: "x", args: [1]), CelerySignature(task: "y", args: [2]),
            ]))
        let effects = try formats.effects(of: .replaced(Replacement(submission)), for: request, in: context())
        let header = try effects.messages()
        #expect(header.map(\.task) == ["x", "y"])
        // celery.accumulate, which has the task's id, turns a group into one result.
        let body = try CelerySignature.decode(try #require(header[0].embed.chord))
        let collect = body.kind == .chain ? try #require(try body.members().first) : body
        #expect(collect.task == "celery.accumulate" && collect.kwargs["index"] == 0)
        #expect(collect.options["task_id"] == "id-1")
    }

    // MARK: Keeping

    @Test func aRetryKeepsThePlaceInTheWorkflow() throws {
        let request = try request { task in
            task.shadow = "shadow"
            task.parentID = "parent"
            task.group = "g"
            task.groupIndex = 1
            task.origin = "gen1@h"
            task.replacedTaskNesting = 2
            task.stampedHeaders = ["who"]
            task.stamps = ["who": ["me"]]
            task.embed = CeleryEmbed(
                callbacks: [["task": "c"]], errbacks: [["task": "e"]], chain: [["task": "n"]], chord: ["task": "b"])
        }
        let effects = try formats.effects(of: .retry(eta: now, cause: boom), for: request, in: context())
        let again = try #require(try effects.messages().first)
        let task = try #require(request.celeryMessage)
        #expect(again.embed == task.embed && again.stamps == task.stamps && again.stampedHeaders == ["who"])
        #expect(again.shadow == "shadow" && again.parentID == "parent" && again.rootID == "root")
        #expect(again.group == "g" && again.groupIndex == 1 && again.origin == "gen1@h")
        #expect(again.replacedTaskNesting == 2 && again.ignoreResult == false)
        #expect(try effects.stored().map(\.status) == ["RETRY"])
        #expect(try effects.stored().first?.result["exc_message"] == ["boom", 42])
    }

    @Test func resultsNameTheFamilyAndWhatIsAskedFor() throws {
        let request = try request { task in
            task.parentID = "parent"
            task.group = "g"
            task.retries = 1
            task.stampedHeaders = ["who"]
            task.stamps = ["who": "me"]
            task.embed.callbacks = [["task": "tasks.callback", "options": ["task_id": "child-2"]]]
        }
        let effects = try formats.effects(
            of: .success(5), for: request, in: context(children: [ResultReference(id: "child-1")]))
        let plain = try #require(try effects.stored().first)
        #expect(plain.parentID == "parent" && plain.groupID == "g" && plain.extended == nil)
        #expect(plain.children == [[["child-1", nil], nil], [["child-2", nil], nil]])
        #expect(plain.dateDone == "2026-11-23T12:30:15+00:00")

        let extended = CeleryFormats(extendsResults: true)
        let result = try #require(try extended.effects(of: .success(5), for: request, in: context()).stored().first)
        let more = try #require(result.extended)
        #expect(more.name == "tasks.add" && more.args == [2, 3] && more.kwargs == [:] && more.worker == "w@h")
        #expect(more.retries == 1 && more.queue == "math")
        #expect(result.other["stamped_headers"] == ["who"] && result.other["who"] == "me")
    }
}
