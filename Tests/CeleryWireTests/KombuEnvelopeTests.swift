import CeleriacWire
import CeleryWire
import Testing

@Suite struct KombuEnvelopeTests {
    @Test func readsAllParts() throws {
        let envelope = try KombuEnvelope.decode(Array(Samples.envelope.utf8))
        #expect(envelope.exchange == "")
        #expect(envelope.routingKey == "celery")
        #expect(envelope.deliveryTag == "tag-1")
        #expect(envelope.bodyEncoding == .base64)
        #expect(!envelope.redelivered)
        #expect(envelope.priority == 0)
        #expect(
            envelope.message.properties
                == MessageProperties(
                    contentType: "application/json", contentEncoding: "utf-8", deliveryMode: 2, priority: 0,
                    correlationID: Samples.id, replyTo: "r"))
        #expect(try CeleryTaskMessage.decode(envelope.message).args == [2, 3])
        #expect(try envelope.encode() == Array(Samples.envelope.utf8))
    }

    @Test func marksOfAMessageThatIsGivenBackChangeNothingElse() throws {
        let text = """
            {"x-later": [1, {"a": 12345678901234567890123, "b": 1e5}], "body": "W10=", "content-type": "application/json", \
            "headers": {"task": "t", "big": 1.50}, "properties": {"delivery_info": {"exchange": null, "routing_key": "q", \
            "more": null}, \
            "delivery_tag": "d", "body_encoding": "base64", "unknown": "\\u00e9"}, "last": true}
            """
        let marked = """
            {"x-later": [1, {"a": 12345678901234567890123, "b": 100000.0}], "body": "W10=", "content-type": "application/json", \
            "headers": {"task": "t", "big": 1.5, "redelivered": true}, "properties": {"delivery_info": {"exchange": null, "routing_key": "q", \
            "more": null, "redelivered": true}, "delivery_tag": "d", "body_encoding": "base64", "unknown": "\\u00e9"}, \
            "last": true}
            """
        let bytes = try KombuEnvelope.markedRedelivered(Array(text.utf8))
        #expect(String(decoding: bytes, as: UTF8.self) == marked)
        #expect(try KombuEnvelope.decode(bytes).redelivered)
        // Marking an envelope twice has the same effect as marking it once.
        #expect(try KombuEnvelope.markedRedelivered(bytes) == bytes)
        #expect(failure { () throws(CeleryWireError) in try KombuEnvelope.markedRedelivered(Array("[]".utf8)) } != nil)
    }

    @Test func everyPropertyComesBack() throws {
        var properties = MessageProperties(
            contentType: "a", contentEncoding: nil, deliveryMode: 1, priority: 9, correlationID: "c", replyTo: "r",
            expiration: "5", other: ["periodic_task_name": "p", "priority_like": [1]])
        properties.messageID = "m"
        properties.timestamp = .max
        properties.type = "t"
        properties.userID = "u"
        properties.appID = "a\u{e9}\"\n"
        let envelope = KombuEnvelope(
            message: WireMessage(headers: ["h": [nil, 1.5]], properties: properties, body: [0, 255]),
            exchange: "e", routingKey: "k", deliveryTag: "tag")
        let bytes = try envelope.encode()
        let again = try KombuEnvelope.decode(bytes)
        // A number past 64 signed bits is not a timestamp; it is kept unchanged.
        var expected = envelope
        expected.message.properties.timestamp = nil
        expected.message.properties.other["timestamp"] = .number(String(UInt64.max))
        #expect(
            again.message.properties.other == [
                "timestamp": .number(String(UInt64.max)), "periodic_task_name": "p", "priority_like": [1],
            ])
        expected.message.properties.other = again.message.properties.other
        #expect(again == expected)
        properties.timestamp = 1_893_553_445
        var second = envelope
        second.message.properties = properties
        #expect(try KombuEnvelope.decode(second.encode()) == second)
    }

    @Test func aBodyMayStandAsText() throws {
        var envelope = KombuEnvelope(
            message: WireMessage(body: Array("[[], {}, {}]".utf8)), routingKey: "k", deliveryTag: "t",
            bodyEncoding: .text)
        let bytes = try envelope.encode()
        #expect(String(decoding: bytes, as: UTF8.self).hasPrefix(#"{"body": "[[], {}, {}]", "content-encoding": null"#))
        #expect(try KombuEnvelope.decode(bytes).message.body == envelope.message.body)
        envelope.message.body = [0xff]
        #expect(failure { () throws(CeleryWireError) in try envelope.encode() }?.code == .unrepresentable)
        for encoding in ["null", #""utf-8""#, #""UTF-8""#] {
            let bytes = try Samples.envelope(replacing: #""base64""#, by: encoding)
            let envelope = try KombuEnvelope.decode(bytes)
            #expect(envelope.bodyEncoding == .text)
            #expect(envelope.message.body.starts(with: "W1sy".utf8))
        }
    }

    @Test func givingBackMarksHeadersAndDeliveryInfo() throws {
        var envelope = try KombuEnvelope.decode(Array(Samples.envelope.utf8))
        envelope.redelivered = true
        let text = String(decoding: try envelope.encode(), as: UTF8.self)
        #expect(text.contains(#""retries": 0, "redelivered": true}"#))
        #expect(text.contains(#""routing_key": "celery", "redelivered": true}"#))
        let again = try KombuEnvelope.decode(Array(text.utf8))
        #expect(again.redelivered)
        #expect(try String(decoding: again.encode(), as: UTF8.self) == text)
    }

    @Test(arguments: [
        (#""retries": 0}"#, #""retries": 0, "redelivered": true}"#),
        (#""celery"}"#, #""celery", "redelivered": true}"#),
        (#"{"body":"#, #"{"redelivered": true, "body":"#),
    ])
    func seesRedelivery(_ text: String, _ other: String) throws {
        #expect(try KombuEnvelope.decode(Samples.envelope(replacing: text, by: other)).redelivered)
    }

    @Test func toleratesWhatKombuTolerates() throws {
        func decode(_ text: String, _ other: String) throws -> KombuEnvelope {
            try KombuEnvelope.decode(Samples.envelope(replacing: text, by: other))
        }
        #expect(try decode(#""tag-1""#, "17").deliveryTag == "17")
        #expect(try decode(#""exchange": """#, #""exchange": null"#).exchange == "")
        #expect(try decode(#""priority": 0"#, #""priority": null"#).priority == 0)
        #expect(try decode(#""priority": 0"#, #""priority": 200"#).priority == 9)
        #expect(try decode(#""priority": 0"#, #""priority": 3.0"#).priority == 3)
        #expect(try decode(#""content-type""#, #""unknown": [{}], "content-type""#).deliveryTag == "tag-1")
        #expect(try decode(#""content-encoding": "utf-8", "#, "").message.properties.contentEncoding == nil)
        // These are kept unchanged and written again unchanged.
        for odd in [#""priority": "high""#, #""priority": -1"#, #""priority": [1]"#] {
            let envelope = try decode(#""priority": 0"#, odd)
            #expect(envelope.priority == 0)
            #expect(String(decoding: try envelope.encode(), as: UTF8.self).contains(odd))
        }
        let missing = try KombuEnvelope.decode(
            Array(#"{"properties": {"delivery_info": {"exchange": "", "routing_key": "q"}, "delivery_tag": "t"}}"#.utf8)
        )
        #expect(missing.message.headers.isEmpty)
        #expect(missing.message.body.isEmpty)
    }

    @Test(arguments: [
        (#""properties": {"#, #""properties": null, "p": {"#, "properties"),
        (#""properties": {"#, #""p": {"#, "properties"),
        (#""properties": {"#, #""properties": [], "p": {"#, "properties"),
        (#""headers": {"#, #""headers": null, "h": {"#, "headers"),
        (#""headers": {"#, #""headers": "x", "h": {"#, "headers"),
        (#""delivery_info": {"#, #""delivery_info": null, "d": {"#, "properties.delivery_info"),
        (#""delivery_info": {"#, #""d": {"#, "properties.delivery_info"),
        (#""exchange": "", "#, "", "properties.delivery_info.exchange"),
        (#""exchange": """#, #""exchange": 5"#, "properties.delivery_info.exchange"),
        (#""routing_key": "celery""#, #""routing_key": null"#, "properties.delivery_info.routing_key"),
        (#""routing_key": "celery""#, #""r": "celery""#, "properties.delivery_info.routing_key"),
        (#", "delivery_tag": "tag-1""#, "", "properties.delivery_tag"),
        (#""tag-1""#, "null", "properties.delivery_tag"),
        (#""tag-1""#, "1.5", "properties.delivery_tag"),
        (#""tag-1""#, "{}", "properties.delivery_tag"),
        (#""base64""#, #""rot13""#, "properties.body_encoding"),
        (#""base64""#, "64", "properties.body_encoding"),
        (#""W1sy"#, #""W1s!"#, "body"),
        (#"bH1d""#, #"bH1""#, "body"),
        (#"{"body": ""#, #"{"body": 5, "b": ""#, "body"),
        (#"{"body": ""#, #"{"body": {}, "b": ""#, "body"),
        (#""content-type": "application/json""#, #""content-type": 5"#, "content-type"),
    ])
    func refusesWhatAWorkerCouldNotTakeOrGiveBack(_ text: String, _ other: String, _ field: String) throws {
        let bytes = try Samples.envelope(replacing: text, by: other)
        let error = failure { () throws(CeleryWireError) in try KombuEnvelope.decode(bytes) }
        #expect(error?.code == .malformedEnvelope)
        #expect(error?.field == field)
    }

    @Test(arguments: ["", "nonsense", "[]", "null", "5", "{", "{}x", "[{}, \"\", \"\"]"])
    func refusesWhatIsNoObject(_ text: String) {
        let error = failure { () throws(CeleryWireError) in try KombuEnvelope.decode(Array(text.utf8)) }
        #expect(error?.code == .malformedEnvelope)
    }

    @Test func headersThatJSONCannotSayAreMappedOrRefused() throws {
        func encode(_ header: WireValue) throws(CeleryWireError) -> [UInt8] {
            try KombuEnvelope(message: WireMessage(headers: ["h": header]), routingKey: "k", deliveryTag: "t").encode()
        }
        let text = String(decoding: try encode([.bytes([0xff])]), as: UTF8.self)
        #expect(text.contains(#""headers": {"h": [{"__type__": "base64", "__value__": "/w=="}]}, "properties""#))
        #expect(try KombuEnvelope.decode(Array(text.utf8)).message.headers["h"]?[0]?["__value__"] == "/w==")
        #expect(String(decoding: try encode(.double(.nan)), as: UTF8.self).contains(#"{"h": NaN}"#))
        #expect(failure { () throws(CeleryWireError) in try encode(.number("x")) }?.code == .unrepresentable)
        var deep = WireValue.bytes([1])
        for _ in 0..<2000 { deep = [deep] }
        #expect(failure { () throws(CeleryWireError) in try encode(deep) }?.cause?.code == .tooDeep)
    }

    /// File names that are not UTF-8 come so.
    @Test func halfASurrogatePairIsAReasonToRefuseOnlyWhereSomethingDependsOnIt() throws {
        func envelope(
            _ header: String, property: String = "app_id", body: String = "W10=", in encoding: String = "base64"
        )
            -> [UInt8]
        {
            Array(
                """
                {"body": "\(body)", "headers": {"id": "i-1", "\(header)": "('a\\udcff',)"}, "properties": \
                {"body_encoding": "\(encoding)", "\(property)": "p\\udcff", "delivery_info": {"exchange": "", \
                "routing_key": "q"}, "delivery_tag": "t"}}
                """.utf8)
        }
        for header in ["argsrepr", "kwargsrepr", "origin", "shadow", "x-file", "x-\\udcff"] {
            let read = try KombuEnvelope.decode(envelope(header))
            #expect(read.message.headers.contains { $0.value == "('a\u{fffd}',)" })
            // Whoever gets it next must find the text as its sender wrote it.
            let marked = try KombuEnvelope.markedRedelivered(envelope(header))
            #expect(try KombuEnvelope.decode(marked).redelivered && KombuEnvelope.markedRedelivered(marked) == marked)
            #expect(
                String(decoding: marked, as: UTF8.self) == #"{"redelivered": true, "#
                    + String(decoding: envelope(header).dropFirst(), as: UTF8.self))
        }
        let refused = [
            envelope("task"), envelope("root_id"), envelope("group"), envelope("x", property: "reply_to"),
            envelope("x", property: "correlation_id"), envelope("x", body: #"[[\"\udcff\"], {}, {}]"#, in: "utf-8"),
        ]
        for bytes in refused {
            let error = failure { () throws(CeleryWireError) in try KombuEnvelope.decode(bytes) }
            #expect(error?.message.hasPrefix("the envelope is refused: a JSON string has half of a surrogate") == true)
            #expect(error?.cause?.code == .loneSurrogate)
            // Its caller can be told.
            #expect(KombuEnvelope.remains(of: bytes, limits: .default)?.headers["id"] == "i-1")
        }
    }

    @Test func anEnvelopeMayBeLargerThanItsBody() throws {
        let limits = WireLimits(maximumMessageBytes: 3 << 20)
        func bytes(_ count: Int) throws -> [UInt8] {
            let message = WireMessage(body: Array(repeating: UInt8(ascii: "x"), count: count))
            return try KombuEnvelope(message: message, routingKey: "q", deliveryTag: "t").encode()
        }
        #expect(try KombuEnvelope.decode(bytes(3 << 20), limits: limits).message.body.count == 3 << 20)
        let large = try bytes(6 << 20)
        let error = failure { () throws(CeleryWireError) in try KombuEnvelope.decode(large, limits: limits) }
        #expect(error?.cause?.code == .tooLarge)
        #expect(error?.message.hasPrefix("the envelope is refused: ") == true)
    }
}
