import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire
import FoundationEssentials
import Testing

/// What is stored for the tasks that never run because another one failed; by capture `w.redis.result_chord_error`, and
/// Celery's `chord_error_from_stack` and `_fail_chain`.
@Suite struct ChordFailureTests {
    private let formats = CeleryFormats(extendsResults: true)
    private let failure = TaskFailure("ValueError", "boom")

    private func effects(of outcome: Outcome, change: (inout CeleryTaskMessage) throws -> Void) throws -> [Effect] {
        var task = CeleryTaskMessage(task: "capapp.fail", id: "header-2")
        try change(&task)
        let request = try formats.request(
            of: try task.encode(),
            delivery: Delivery(
                content: .failure(MessageFault(reason: "", detail: "")), queue: "celery",
                receipt: Receipt(generation: 0, tag: 1)))
        let context = EffectContext(
            nodeName: "w@h", now: Date(timeIntervalSince1970: 1_795_437_015), storesResult: true,
            taskOptions: TaskOptions(), resultExpiry: nil, children: [ResultReference(id: "sent")])
        return try formats.effects(of: outcome, for: request, in: context)
    }

    /// What follows from the last part of a chord, when it is the only one.
    private func completion(_ effects: [Effect]) throws -> [Effect] {
        let parts = effects.compactMap { effect in if case .chord(.add(let part)) = effect { part } else { nil } }
        let part = try #require(parts.first)
        return part.whenComplete(
            ChordCompletion(
                claim: ChordClaim(groupID: part.groupID, token: "t"), parts: [part.payload], group: nil))
    }

    private func metas(_ effects: [Effect]) throws -> [WireValue] {
        try effects.compactMap { effect in
            if case .store(let record) = effect { try WireJSON.decode(record.payload) } else { nil }
        }
    }

    private func published(_ effects: [Effect]) throws -> [CeleryTaskMessage] {
        try effects.flatMap { effect -> [OutgoingMessage] in
            if case .publish(let messages) = effect { messages } else { [] }
        }
        .map { try CeleryTaskMessage.decode($0.message) }
    }

    @Test func theFailedBodyHasItsErrorCallbacksAsChildren() throws {
        var body = CelerySignature(task: "capapp.xsum")
        body.options = ["task_id": "body", "group_id": "header", "reply_to": "client"]
        try body.linkError(CelerySignature(task: "capapp.on_err_old").encode())
        let effects = try completion(
            effects(of: .failure(failure)) { task in
                task.group = "header"
                task.groupIndex = 1
                task.embed.chord = body.encode()
            })

        let errback = try #require(try published(effects).first)
        #expect(errback.task == "capapp.on_err_old")
        #expect(errback.args == ["body"])
        let group = try #require(errback.group)
        let stored = try metas(effects)
        #expect(stored.count == 1)
        let meta = try #require(stored.first?.objectValue)
        #expect(meta["task_id"] == "body")
        #expect(meta["status"] == "FAILURE")
        #expect(
            meta["children"] == [
                [["sent", nil], nil], [[.string(group), nil], [[[.string(errback.id), nil], nil]]],
            ])
        // Celery has no request for it, so none of what a request says.
        #expect(meta["group_id"] == nil)
        #expect(meta["parent_id"] == nil)
        #expect(meta["name"] == nil)
    }

    @Test func theFollowersOfALastPartThatSucceededAreTheFailedBodysChildrenToo() throws {
        var body = CelerySignature(task: "capapp.xsum")
        body.options = ["task_id": "body"]
        let effects = try effects(of: .success(1)) { task in
            task.group = "header"
            task.embed.chord = body.encode()
            task.embed.callbacks = [CelerySignature(task: "capapp.add", args: [1]).encode()]
        }
        let callback = try #require(try published(effects).first)
        let parts = effects.compactMap { effect in if case .chord(.add(let part)) = effect { part } else { nil } }
        let part = try #require(parts.first)
        let failed = try WireJSON.encode(
            [1, "header-1", "FAILURE", ["exc_type": "ValueError", "exc_message": ["boom"], "exc_module": "builtins"]],
            style: .python)
        let completed = part.whenComplete(
            ChordCompletion(
                claim: ChordClaim(groupID: part.groupID, token: "t"), parts: [failed, part.payload], group: nil))
        #expect(
            try metas(completed).map { $0["children"] } == [
                [[["sent", nil], nil], [[.string(callback.id), nil], nil]]
            ])
    }

    @Test func aStepThatNeverRanIsStoredUnderItsOwnNameAndArguments() throws {
        var step = CelerySignature(task: "capapp.mul", args: [7])
        step.options = ["task_id": "step", "group_id": "g"]
        let effects = try effects(of: .failure(failure)) { task in task.embed.chain = [step.encode()] }
        let meta = try #require(try metas(effects).last?.objectValue)
        #expect(meta["task_id"] == "step")
        #expect(meta["name"] == "capapp.mul")
        #expect(meta["args"] == [7])
        #expect(meta["kwargs"] == [:])
        #expect(meta["worker"] == .null)
        #expect(meta["retries"] == 0)
        #expect(meta["queue"] == .null)
        #expect(meta["group_id"] == "g")
        #expect(meta["children"] == [])
    }
}
