import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryDialect
import CeleryWire
import Foundation
import Testing

/// Chords whose parts no result store counts.
@Suite("Chord unlock", .timeLimit(.minutes(5)))
struct ChordUnlockTests {
    private typealias Site = WorkflowSite

    @Test("a chord's body gets the results in the order of the header, also those of chains and groups in it")
    func joins() async throws {
        let site = Site()
        try await site.serves {
            let flat = try await site.app.send(chord([Site.add(1, 1), Site.add(2, 2)], body: Site.sum))
            #expect(try await flat.get() == 6)
            let nested = group([Site.add(1, 1).then(Site.add, 10), chord([Site.double(2)], body: Site.sum)])
                .then(Signature<Int>("tasks.sum", arguments: [], returning: Int.self)).then(Site.double)
            #expect(try await site.app.send(nested).get() == 32)
            let shaped = chord(
                [
                    group([Site.add(1, 1), Site.add(2, 2)]).signature(),
                    chain([Signature("tasks.add", arguments: [3, 3])]),
                ],
                body: Signature("celery.accumulate"))
            #expect(try await site.app.send(shaped).get() == [[2, 4, 6]])
            #expect(try await site.app.send(chord([Signature<Int>](), body: Site.sum)).get() == 0)
        }
    }

    @Test("the message is the one that Python sends")
    func message() throws {
        var canvas = CeleryCanvas(
            lineage: CeleryLineage(replyTo: "r"), now: Date(timeIntervalSince1970: 0), chords: .unlocked,
            newID: { "new" })
        let header = [
            CelerySignature(task: "tasks.add", args: [1, 1], options: ["task_id": "a"]),
            .chain([
                CelerySignature(task: "tasks.add", args: [2, 2], options: ["task_id": "b"]),
                CelerySignature(task: "tasks.add", args: [1], options: ["task_id": "c"]),
            ]),
        ]
        let body = CelerySignature(task: "tasks.sum_ints", options: ["queue": "swift"])
        try canvas.apply(
            .chord(.group(header, options: ["task_id": "g"]), body: body), options: ["task_id": "body"])
        guard case .publish(let unlock, let route)? = canvas.steps.first else {
            Issue.record("nothing is published")
            return
        }
        let signature = """
            {"task": "tasks.sum_ints", "args": [], "kwargs": {}, "options": {"queue": "swift", "task_id": "body", \
            "reply_to": "r", "group_id": "g"}, "subtask_type": null, "immutable": false}
            """
        // The text is from a folder into which Celery 5.7.0 sent the same chord.
        let expected = """
            [["g", \(signature)], {"interval": null, "max_retries": null, "result": [[["a", null], null], \
            [["c", [["b", null], null]], null]], "_chord_unlock_exchange_type": "direct"}, \
            {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]
            """
        let theirs = try WireJSON.decode(Array(expected.utf8))
        let ours = try WireJSON.decode(try unlock.encode().body)
        #expect(ours == theirs)
        #expect(unlock.task == "celery.chord_unlock" && unlock.ignoreResult == true && route.queue == "swift")
        #expect(unlock.eta == "1970-01-01T00:00:01+00:00" && unlock.properties.priority ?? 0 == 0)
    }

    @Test("the message tells Python's workers the type of the exchange by which they send it again")
    func exchangeType() throws {
        let media = TaskQueue("video", exchange: TaskQueue.Exchange("media", type: "topic"), routingKey: "video.cut")
        let formats = CeleryFormats(router: CeleryRouter(queues: QueueTable([media, "celery"])))
        let context = PublicationContext(
            now: EffectBench.now, replyTo: "r", defaultQueue: "celery", routes: [:], countsChords: false,
            resultExpiry: nil)
        for (queue, type, exchange) in [("video", "topic", "media"), ("celery", "direct", "")] {
            let body = CelerySignature(task: "tasks.sum_ints", options: ["queue": .string(queue)])
            let header = CelerySignature.group([CelerySignature(task: "tasks.add", args: [1, 1])])
            let publication = try formats.publication(
                of: .native(CelerySignature.chord(header, body: body)), in: context)
            let messages = publication.steps.flatMap { step -> [OutgoingMessage] in
                if case .publish(let messages) = step { messages } else { [] }
            }
            let unlock = try #require(
                try messages.first { try CeleryTaskMessage.decode($0.message).task == "celery.chord_unlock" })
            let keywords = try CeleryTaskMessage.decode(unlock.message).kwargs
            #expect(keywords["_chord_unlock_exchange_type"]?.stringValue == type)
            #expect(unlock.exchange == exchange && unlock.notBefore != nil)
        }
    }

    @Test("a part that fails also fails the body and what follows it, by name, and calls their error callbacks")
    func failure() async throws {
        let site = Site()
        let called = Called()
        let errback = TaskHandler("tasks.failed") { context in
            called.add(context.request.arguments.first?.stringValue ?? "")
            return .null
        }
        try await site.serves(WorkerConfiguration(queues: ["celery"]), [errback]) {
            let body = Signature<Int>("tasks.sum", arguments: [], returning: Int.self)
                .onFailure(Signature("tasks.failed"))
            let result = try await site.app.send(
                chord([Site.add(1, 1), Site.fail("no")], body: body).then(Site.double))
            let failure = try #require(try await site.failure(of: result.id))
            #expect(failure.type == "ChordError")
            let sum = try #require(result.parent)
            let cause = try #require(try await site.failure(of: sum.id))
            #expect(cause.message?.hasSuffix("raised ValueError('no')") == true, "\(cause.arguments)")
            let id = await called.next()
            #expect(id == sum.id)
        }
    }

    @Test("a chord whose polling exceeds its retries fails, and so does the polling task")
    func givesUp() async throws {
        let site = Site()
        try await site.serves {
            let body = CelerySignature(task: "tasks.sum", options: ["task_id": "body"]).encode()
            let unlock = CeleryTaskMessage(
                task: "celery.chord_unlock", id: "u", args: ["g", body],
                kwargs: ["result": [[["nobody", nil], nil]], "interval": 0.001, "max_retries": 3])
            try await site.publish(unlock)
            let failure = try #require(try await site.failure(of: "body"))
            #expect(failure.type == "ChordError")
            #expect(failure.message?.hasPrefix("chord_unlock could not be retried: MaxRetriesExceededError(") == true)
        }
    }

    @Test(
        "stores a failure for a call that cannot be read, and runs the next task",
        arguments: [
            ([], [:]), (["g"], ["result": []]), ([5, ["task": "tasks.sum"]], ["result": []]),
            (["g", 5], ["result": []]), (["g", ["task": "tasks.sum"]], [:]),
            (["g", ["task": "tasks.sum"]], ["result": "x"]), (["g", ["task": "tasks.sum"]], ["result": [5]]),
            (["g", ["task": "tasks.sum"]], ["result": [], "interval": "x"]),
            (["g", ["task": "tasks.sum"]], ["result": [], "interval": -1]),
            (["g", ["task": "tasks.sum"]], ["result": [], "max_retries": []]),
        ] as [([WireValue], WireObject)])
    func garbage(_ arguments: [WireValue], _ keywords: WireObject) async throws {
        let site = Site()
        try await site.serves {
            var message = CeleryTaskMessage(task: "celery.chord_unlock", id: "u", args: arguments, kwargs: keywords)
            message.ignoreResult = true
            try await site.publish(message)
            #expect(try await site.failure(of: "u")?.type == "TypeError")
            #expect(try await site.app.send(Site.add(1, 2)).get() == 3)
        }
    }

    @Test("without kept results a chord is refused by name, and nothing is sent")
    func refused() async throws {
        let site = Site(results: ForgetfulStore())
        for canvas in [
            chord([Site.add(1, 1), Site.add(2, 2)], body: Site.sum),
            Site.add(1, 1).then(group([Site.double(1), Site.double(2)]).then(Site.sum).immutable()),
        ] {
            let error = await #expect(throws: CeleriacError.self) { try await site.app.send(canvas) }
            #expect(error?.code == .unsupported)
            #expect((error?.cause as? CeleryWireError)?.code == .chordsUnsupported)
        }
        #expect(site.broker.count(in: "celery") == 0)
        await site.app.close()
    }
}

/// Records calls one by one.
private final class Called: Sendable {
    private let (stream, continuation) = AsyncStream.makeStream(of: String.self)

    func add(_ text: String) { continuation.yield(text) }

    func next() async -> String? {
        var iterator = stream.makeAsyncIterator()
        return await iterator.next()
    }
}

/// Delivers each result once, as `rpc://` does.
private struct ForgetfulStore: ResultStore {
    var name: String { "forgetful" }
    var replyTo: String { "" }
    var deliversOnce: Bool { true }
    func store(_ records: [ResultRecord]) async throws {}
    func watch(_ taskIDs: [String], sink: any ResultSink) async throws {}
    func unwatch(_ taskIDs: [String]) {}
    func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] { taskIDs.map { _ in nil } }
    func forget(_ taskIDs: [String]) async throws {}
    func close() async {}
}
