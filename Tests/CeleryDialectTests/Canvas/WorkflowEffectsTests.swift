import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire
import Foundation
import Testing

/// What follows from the outcome of a task that belongs to a workflow, without any broker.
@Suite("Effects in workflows")
struct WorkflowEffectsTests {
    private let formats = CeleryFormats(extendsResults: false)
    private let now = Date(timeIntervalSince1970: 1_795_437_015)
    private let boom = TaskFailure(type: "ValueError", arguments: ["boom", 42])

    private func request(_ change: (inout CeleryTaskMessage) -> Void) throws -> TaskRequest {
        var task = CeleryTaskMessage(task: "tasks.add", id: "id-1", args: [2, 3])
        task.rootID = "root"
        change(&task)
        return try formats.request(
            of: try task.encode(),
            delivery: Delivery(
                content: .failure(MessageFault(reason: "", detail: "")), queue: "math",
                receipt: Receipt(generation: 0, tag: 1)))
    }

    private func context(errorHandlers: Set<String> = [], children: [ResultReference] = []) -> EffectContext {
        EffectContext(
            nodeName: "w@h", now: now, storesResult: true, taskOptions: TaskOptions(), resultExpiry: .seconds(60),
            children: children, errorHandlers: errorHandlers)
    }

    private func messages(_ effects: [Effect]) throws -> [CeleryTaskMessage] {
        try effects.flatMap { effect in
            guard case .publish(let messages) = effect else { return [OutgoingMessage]() }
            return messages
        }.map { try CeleryTaskMessage.decode($0.message) }
    }

    private func stored(_ effects: [Effect]) throws -> [CeleryResultMeta] {
        try effects.compactMap { effect in
            guard case .store(let record) = effect else { return nil }
            return try CeleryResultMeta.decode(record.payload)
        }
    }

    private func parts(_ effects: [Effect]) -> [ChordPart] {
        effects.compactMap { effect in
            guard case .chord(.add(let part)) = effect else { return nil }
            return part
        }
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
        let sent = try messages(effects)
        #expect(sent.map(\.task) == ["tasks.sent", "tasks.alone"])
        #expect(sent.map(\.args) == [["id-1", "more"], []])
        // As one group, the failed task's children.
        #expect(sent.map(\.parentID) == ["id-1", "id-1"] && sent.map(\.rootID) == ["root", "root"])
        #expect(Set(sent.map(\.group)).count == 1 && sent.map(\.groupIndex) == [0, 1])
        let calls = effects.compactMap { if case .call(let call) = $0 { call } else { nil } }
        #expect(calls.map(\.name) == ["tasks.called"] && calls.first?.failedID == "id-1")
        #expect(calls.first?.arguments == [7] && calls.first?.keywordArguments == ["k": 1])
        #expect(calls.first?.failure.arguments == ["boom", 42])
        for outcome in [Outcome.retry(eta: now, cause: boom), .expired, .revoked(.revoked)] {
            let effects = try formats.effects(of: outcome, for: request, in: context())
            #expect(try messages(effects).filter { $0.task != "tasks.add" }.isEmpty, "\(outcome)")
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
        let results = try stored(effects)
        #expect(Set(results.map(\.taskID)) == ["id-1", "a", "b", "b-body", "c"])
        #expect(results.allSatisfy { $0.status == "FAILURE" && $0.result["exc_message"] == ["boom", 42] })
        #expect(results.first { $0.taskID == "c" }?.groupID == "g")
        // The last step is a part of a chord, which must not wait for it.
        #expect(parts(effects).map(\.taskID) == ["c"] && parts(effects).first?.index == 3)
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
        let part = try #require(self.parts(effects).first)
        #expect(part.groupID == "g" && part.index == 1 && part.payload == Array(#"[1, "id-1", "SUCCESS", 5]"#.utf8))
        return part.whenComplete(
            ChordCompletion(claim: ChordClaim(groupID: "g", token: "t"), parts: parts, group: nil))
    }

    @Test func theLastPartPublishesTheBody() throws {
        let body: WireValue = ["task": "tasks.sum", "args": [7], "options": ["task_id": "body", "group_id": "g"]]
        let effects = try end(body, [part("a", "SUCCESS", 1), part("id-1", "SUCCESS", 5)])
        let sent = try #require(try messages(effects).first)
        #expect(sent.id == "body" && sent.args == [[1, 5], 7] && sent.group == "g" && sent.groupIndex == nil)
        #expect(sent.rootID == "root" && sent.parentID == "id-1")
        guard case .chord(.close(_, succeeded: true))? = effects.last else {
            Issue.record("the chord is not closed")
            return
        }
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
        let results = try stored(effects)
        #expect(results.map(\.taskID) == ["body", "next"])
        for result in results {
            #expect(result.status == "FAILURE" && result.result["exc_type"] == "ChordError")
            #expect(result.result["exc_module"] == "celery.exceptions")
            #expect(result.result["exc_message"] == ["Dependency a raised ValueError('boom', 42)"])
        }
        #expect(try messages(effects).map(\.args) == [["body"]])
        guard case .chord(.close(_, succeeded: false))? = effects.last else {
            Issue.record("the chord is not closed as failed")
            return
        }
        let revoked: WireValue = [
            "exc_type": "TaskRevokedError", "exc_message": ["revoked"], "exc_module": "celery.exceptions",
        ]
        let texts = try [
            end(body, [part("a", "REVOKED", revoked)]), end(body, [Array("[1]".utf8)]),
            end(["task": "tasks.sum", "options": ["task_id": "body", "countdown": "x"]], [part("a", "SUCCESS", 1)]),
        ].map { try stored($0).first?.result["exc_message"]?[0]?.stringValue ?? "" }
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
        let results = try stored(effects)
        #expect(results.map(\.taskID) == ["m1", "m2", "group"])
        #expect(results.allSatisfy { $0.result["exc_type"] == "ValueError" && $0.result["exc_message"] == ["boom"] })
        let sent = try messages(effects)
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
            (.ignored, nil), (.rejected(requeue: true), nil),
        ]
        for (outcome, state) in outcomes {
            let parts = parts(try formats.effects(of: outcome, for: request, in: context()))
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
            TaskSubmission(
                id: "extra", name: "tasks.extra", arguments: [1], keywordArguments: [:], options: SendOptions(),
                replyTo: ""))
        let publication = try formats.addition(of: submission, toChordOf: request, in: context().publication)
        guard case .chord(.extend("g"))? = publication.effects.first else {
            Issue.record("the chord is not extended first")
            return
        }
        let sent = try #require(try messages(publication.effects).first)
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
            TaskSubmission(
                id: "other", name: "tasks.other", arguments: [9], keywordArguments: [:], options: SendOptions(),
                replyTo: ""))
        let effects = try formats.effects(of: .replaced(submission), for: request, in: context())
        // The task itself stores nothing and gives no part: what takes its place does.
        #expect(try stored(effects).isEmpty && parts(effects).isEmpty)
        let sent = try #require(try messages(effects).first)
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
        let effects = try formats.effects(of: .replaced(submission), for: request, in: context())
        let header = try messages(effects)
        #expect(header.map(\.task) == ["x", "y"])
        // A group becomes one result by celery.accumulate, which has the task's id.
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
        let again = try #require(try messages(effects).first)
        let task = try #require(request.message as? CeleryTaskMessage)
        #expect(again.embed == task.embed && again.stamps == task.stamps && again.stampedHeaders == ["who"])
        #expect(again.shadow == "shadow" && again.parentID == "parent" && again.rootID == "root")
        #expect(again.group == "g" && again.groupIndex == 1 && again.origin == "gen1@h")
        #expect(again.replacedTaskNesting == 2 && again.ignoreResult == false)
        #expect(try stored(effects).map(\.status) == ["RETRY"])
        #expect(try stored(effects).first?.result["exc_message"] == ["boom", 42])
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
        let plain = try #require(try stored(effects).first)
        #expect(plain.parentID == "parent" && plain.groupID == "g" && plain.extended == nil)
        #expect(plain.children == [[["child-1", nil], nil], [["child-2", nil], nil]])
        #expect(plain.dateDone == "2026-11-23T12:30:15+00:00")

        let extended = CeleryFormats(extendsResults: true)
        let result = try #require(try stored(extended.effects(of: .success(5), for: request, in: context())).first)
        let more = try #require(result.extended)
        #expect(more.name == "tasks.add" && more.args == [2, 3] && more.kwargs == [:] && more.worker == "w@h")
        #expect(more.retries == 1 && more.queue == "math")
        #expect(result.other["stamped_headers"] == ["who"] && result.other["who"] == "me")
    }
}
