import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire
import FoundationEssentials
import Testing

/// What is stored for the tasks that never run because another one failed, according to the capture
/// `w.redis.result_chord_error` and to Celery's `chord_error_from_stack` and `_fail_chain`.
@Suite struct ChordFailureTests {
    private let formats = CeleryFormats(extendsResults: true)
    private let failure = TaskFailure("ValueError", "boom")

    private let context = EffectBench.context(expiry: nil, children: [ResultReference(id: "sent")])

    private func request(_ change: (inout CeleryTaskMessage) throws -> Void) throws -> TaskRequest {
        var task = CeleryTaskMessage(task: "capapp.fail", id: "header-2")
        try change(&task)
        return try EffectBench(formats: formats).request(of: try task.encode(), queue: "celery")
    }

    /// The effects of the chord's completion, if the part among the given effects is the last one, after the given
    /// others.
    private func completion(
        _ effects: [Effect], of request: TaskRequest, after others: [[UInt8]] = []
    ) throws -> [Effect] {
        let part = try #require(effects.parts.first)
        let completion = ChordCompletion(
            claim: ChordClaim(groupID: part.groupID, token: "t"), parts: others + [part.payload], group: nil)
        return formats.effects(of: completion, of: part, for: request, in: context)
    }

    private func metas(_ effects: [Effect]) throws -> [WireValue] {
        try effects.compactMap { effect in
            if case .store(let record) = effect { try WireJSON.decode(record.payload) } else { nil }
        }
    }

    @Test func theFailedBodyHasItsErrorCallbacksAsChildren() throws {
        var body = CelerySignature(task: "capapp.xsum")
        body.options = ["task_id": "body", "group_id": "header", "reply_to": "client"]
        try body.linkError(CelerySignature(task: "capapp.on_err_old").encode())
        let request = try request { task in
            task.group = "header"
            task.groupIndex = 1
            task.embed.chord = body.encode()
        }
        let ended = try formats.effects(of: .failure(failure), for: request, in: context)
        let effects = try completion(ended, of: request)

        let errback = try #require(try effects.messages().first)
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
        // Celery has no request for the body, so the result has none of the request's fields.
        #expect(meta["group_id"] == nil)
        #expect(meta["parent_id"] == nil)
        #expect(meta["name"] == nil)
    }

    @Test func theBodyFailsIfTheStoreDoesNotCountAPart() throws {
        var body = CelerySignature(task: "capapp.xsum")
        body.options = ["task_id": "body"]
        let request = try request { task in
            task.group = "header"
            task.embed.chord = body.encode()
        }
        let part = try #require(try formats.effects(of: .success(1), for: request, in: context).parts.first)
        let effects = formats.effects(
            ofUncounted: part, TaskFailure("OperationalError", "no"), for: request, in: context)
        let meta = try #require(try metas(effects).first?.objectValue)
        #expect(meta["task_id"] == "body" && meta["status"] == "FAILURE")
        #expect(meta["result"]?["exc_type"] == "ChordError")
        let text = meta["result"]?["exc_message"]?[0]?.stringValue ?? ""
        #expect(text.hasPrefix("Join error: OperationalError("), "\(text)")
        #expect(effects.last == .chord(.close(ChordClaim(groupID: "header", token: part.token), succeeded: false)))
    }

    @Test func theFollowersOfALastPartThatSucceededAreTheFailedBodysChildrenToo() throws {
        var body = CelerySignature(task: "capapp.xsum")
        body.options = ["task_id": "body"]
        let request = try request { task in
            task.group = "header"
            task.embed.chord = body.encode()
            task.embed.callbacks = [CelerySignature(task: "capapp.add", args: [1]).encode()]
        }
        let effects = try formats.effects(of: .success(1), for: request, in: context)
        let callback = try #require(try effects.messages().first)
        let failed = try WireJSON.encode(
            [1, "header-1", "FAILURE", ["exc_type": "ValueError", "exc_message": ["boom"], "exc_module": "builtins"]],
            style: .python)
        let completed = try completion(effects, of: request, after: [failed])
        #expect(
            try metas(completed).map { $0["children"] } == [
                [[["sent", nil], nil], [[.string(callback.id), nil], nil]]
            ])
    }

    @Test func aStepThatNeverRanIsStoredUnderItsOwnNameAndArguments() throws {
        var step = CelerySignature(task: "capapp.mul", args: [7])
        step.options = ["task_id": "step", "group_id": "g"]
        let request = try request { task in task.embed.chain = [step.encode()] }
        let effects = try formats.effects(of: .failure(failure), for: request, in: context)
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
