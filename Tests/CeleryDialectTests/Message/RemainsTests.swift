import CeleriacCore
import CeleriacWire
import CeleryWire
import Testing

@testable import CeleryDialect

/// What can be read of messages that cannot be run, and what their callers are told.
@Suite("Remains") struct RemainsTests {
    private let formats = CeleryFormats()

    private func message(
        _ headers: WireObject, _ body: String, type: String? = "application/json"
    ) -> WireMessage {
        WireMessage(
            headers: headers, properties: MessageProperties(contentType: type, correlationID: "c", replyTo: "r"),
            body: Array(body.utf8))
    }

    private func read(_ message: WireMessage) -> MessageRemains? {
        formats.remains(
            of: message,
            delivery: Delivery(content: .success(message), queue: "q", receipt: Receipt(generation: 0, tag: 1)))
    }

    private func failing(_ remains: MessageRemains?) throws -> [Effect] {
        let request = try #require(remains?.request)
        return try formats.effects(of: .failure(TaskFailure("Lost", "no")), for: request, in: EffectBench.context())
    }

    @Test("the headers of protocol 2, whatever the body is; a part of a group may be one of a chord")
    func headers() throws {
        let headers: WireObject = [
            "task": "t", "id": "1", "group": "g", "group_index": 2, "root_id": "0", "retries": 3, "ignore_result": true,
            "timelimit": 5,
        ]
        let remains = try #require(read(message(headers, "no JSON")))
        let request = remains.request
        #expect(!remains.mayRunElsewhere && request.id == "1" && request.name == "t" && request.groupID == "g")
        #expect(request.rootID == "0" && request.retries == 3 && request.ignoresResult == true)
        #expect(request.replyTo == "r" && request.correlationID == "c" && request.arguments.isEmpty)
        let effects = try failing(remains)
        #expect(try effects.stored().map(\.taskID) == ["1"])
        #expect(effects.parts.map(\.groupID) == ["g"] && effects.parts.map(\.index) == [2])
        // The last part of a chord whose body is unknown ends it without a word.
        let part = try #require(effects.parts.first)
        let completion = ChordCompletion(claim: ChordClaim(groupID: "g", token: ""), parts: [part.payload], group: nil)
        let end = formats.effects(of: completion, of: part, for: request, in: EffectBench.context())
        #expect(end == [.chord(.close(completion.claim, succeeded: false))])
    }

    @Test("what the body says if it can be parsed: the chord, the error callbacks and the rest of the chain")
    func body() throws {
        let body = #"""
            [[1], 5, {"chord": {"task": "b", "options": {"task_id": "b"}}, "chain": [{"task": "n", "options": {"task_id":
            "n"}}], "callbacks": 5, "errbacks": [{"task": "e", "options": {"task_id": "e"}}]}]
            """#
        let remains = read(message(["task": "t", "id": "1", "group": "g"], body))
        let effects = try failing(remains)
        #expect(remains?.request.arguments == [1])
        #expect(try effects.stored().map(\.taskID) == ["1", "n"] && effects.parts.map(\.taskID) == ["1"])
        #expect(try effects.messages().map(\.task) == ["e"])
        // A task of a group that is no chord has no part in one.
        let single = read(message(["task": "t", "id": "1", "group": "g"], "[5, {}, null]"))
        #expect(try failing(single).parts.isEmpty)
    }

    @Test("the body of protocol 1")
    func protocol1() {
        let remains = read(message([:], #"{"task": "t", "id": "1", "args": 5, "eta": 5, "retries": 2}"#))
        #expect(remains?.request.id == "1" && remains?.request.retries == 2 && remains?.request.eta == nil)
    }

    @Test("nothing of what has no id, or is no task")
    func nothing() {
        for headers: WireObject in [[:], ["id": "1"], ["task": "t"], ["task": "t", "id": 5], ["task": "t", "id": ""]] {
            #expect(read(message(headers, "[]")) == nil, "\(headers)")
        }
        #expect(read(message([:], #"{"id": "1"}"#)) == nil)
        #expect(read(message([:], "no JSON")) == nil)
    }

    @Test("whether another worker might run it: one that accepts the content or has the codec")
    func foreign() {
        let headers: WireObject = ["task": "t", "id": "1"]
        for type in ["application/x-python-serialize", "application/x-msgpack", "application/unknown", nil] {
            #expect(read(message(headers, "x", type: type))?.mayRunElsewhere == true, "\(type ?? "none")")
        }
        var compressed = headers
        compressed["compression"] = "lz9"
        #expect(read(message(compressed, "x"))?.mayRunElsewhere == true)
        compressed["compression"] = "gzip"
        #expect(read(message(compressed, "x"))?.mayRunElsewhere == false)
    }

    @Test("the headers and the body of an envelope that Python could not take, or that is too large")
    func envelope() throws {
        let receipt = Receipt(generation: 0, tag: 1)
        func delivery(_ text: String, limit: Int = 1 << 20) -> Delivery {
            KombuEnvelope.unread(
                Array(text.utf8), MessageFault(reason: "malformedEnvelope", detail: ""),
                limits: WireLimits(maximumMessageBytes: limit), from: "q", receipt: receipt)
        }
        let envelope = #"""
            {"body": "W10=", "content-type": "application/json", "headers": {"task": "t", "id": "1"},
            "properties": {"correlation_id": "c", "body_encoding": "base64", "delivery_mode": "x"}}
            """#
        let message = try #require(delivery(envelope).remains)
        #expect(message.body == Array("[]".utf8) && message.headers == ["task": "t", "id": "1"])
        #expect(message.properties.contentType == "application/json" && message.properties.correlationID == "c")
        #expect(delivery(envelope, limit: 3).remains?.body == [])
        #expect(delivery(envelope, limit: 3).remains?.headers["id"] == "1")
        for text in ["no JSON", "[]", "5"] { #expect(delivery(text).remains == nil) }
    }
}
