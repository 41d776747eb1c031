import CeleriacWire
import CeleryWire
import Testing

/// Fifteen messages on each of which a Python worker exits, hangs, or loses the message. Each has to be refused by name.
@Suite struct ProbeTests {
    struct Probe: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let code: CeleryWireError.Code
        let field: String?
        var testDescription: String { name }
    }

    static let probes: [Probe] = {
        func envelope(
            body: String = "[[2, 3], {}, {}]", headers: String? = nil, properties: String? = nil, base64: String? = nil
        ) -> [UInt8] {
            let headers = headers ?? #"{"task": "t", "id": "i"}"#
            let properties =
                properties
                    ?? """
                    {"delivery_info": {"exchange": "", "routing_key": "celery"}, "body_encoding": "base64", \
                    "delivery_tag": "d"}
                    """
            let body = base64 ?? Base64.encode(Array(body.utf8))
            return Array(
                """
                {"body": "\(body)", "content-type": "application/json", "content-encoding": "utf-8", \
                "headers": \(headers), "properties": \(properties)}
                """.utf8)
        }
        func embed(_ text: String) -> [UInt8] { envelope(body: "[[2, 3], {}, \(text)]") }
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        return [
            Probe(
                name: "timelimit:[5]", bytes: envelope(headers: #"{"task": "t", "id": "i", "timelimit": [5]}"#),
                code: .invalidTask, field: "timelimit"),
            Probe(name: "not JSON", bytes: Array("nonsense".utf8), code: .malformedEnvelope, field: nil),
            Probe(name: "JSON array", bytes: Array("[1, 2]".utf8), code: .malformedEnvelope, field: nil),
            Probe(name: "bad base64", bytes: envelope(base64: "!!!"), code: .malformedEnvelope, field: "body"),
            Probe(name: "2-element body", bytes: envelope(body: "[[], {}]"), code: .invalidTask, field: "body"),
            Probe(name: "no id", bytes: envelope(headers: #"{"task": "t"}"#), code: .invalidTask, field: "id"),
            Probe(
                name: "id an int", bytes: envelope(headers: #"{"task": "t", "id": 5}"#), code: .invalidTask, field: "id"
            ),
            Probe(name: "chain:[1]", bytes: embed(#"{"chain": [1]}"#), code: .invalidTask, field: "chain"),
            Probe(
                name: "no delivery_tag",
                bytes: envelope(properties: #"{"delivery_info": {"exchange": "", "routing_key": "q"}}"#),
                code: .malformedEnvelope, field: "properties.delivery_tag"),
            Probe(
                name: "no properties", bytes: Array(#"{"body": ""}"#.utf8), code: .malformedEnvelope,
                field: "properties"),
            Probe(
                name: "delivery_info null",
                bytes: envelope(properties: #"{"delivery_info": null, "delivery_tag": "d"}"#),
                code: .malformedEnvelope, field: "properties.delivery_info"),
            Probe(name: "headers null", bytes: envelope(headers: "null"), code: .malformedEnvelope, field: "headers"),
            Probe(
                name: "body not UTF-8", bytes: envelope(base64: Base64.encode([0x5b, 0x22, 0xff, 0x22, 0x5d])),
                code: .undecodableBody, field: "body"),
            Probe(name: "100,000 deep", bytes: envelope(body: deep), code: .undecodableBody, field: "body"),
            Probe(
                name: "callbacks a dict", bytes: embed(#"{"callbacks": {"task": "x"}}"#), code: .invalidTask,
                field: "callbacks"),
        ]
    }()

    @Test(arguments: probes)
    func isRefusedByName(_ probe: Probe) {
        let error = failure { () throws(CeleryWireError) in
            try CeleryTaskMessage.decode(KombuEnvelope.decode(probe.bytes).message)
        }
        #expect(error?.code == probe.code)
        #expect(error?.field == probe.field)
    }

    @Test func thereAreFifteen() {
        #expect(Self.probes.count == 15)
    }
}
