import CeleriacWire

/// A message that makes a Python worker exit or hang, or that it loses.
package struct HostileMessage: Sendable {
    /// What is wrong with the message.
    package let name: String
    /// The message's bytes in a Redis list or in a file.
    package let bytes: [UInt8]
    /// The error code with which Celeriac refuses it.
    package let reason: String
    /// The field that the error names, if any.
    package let field: String?

    /// Fifteen kinds of message.
    package static let all: [HostileMessage] = {
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        return [
            HostileMessage(
                name: "timelimit:[5]", bytes: envelope(headers: #"{"task": "t", "id": "i", "timelimit": [5]}"#),
                reason: "invalidTask", field: "timelimit"),
            HostileMessage(name: "not JSON", bytes: Array("nonsense".utf8), reason: "malformedEnvelope", field: nil),
            HostileMessage(
                name: "a JSON array", bytes: Array("[1, 2]".utf8), reason: "malformedEnvelope", field: nil),
            HostileMessage(
                name: "bad base64", bytes: envelope(base64: "!!!"), reason: "malformedEnvelope", field: "body"),
            HostileMessage(
                name: "a body of two elements", bytes: envelope(body: "[[], {}]"), reason: "invalidTask", field: "body"),
            HostileMessage(
                name: "no id", bytes: envelope(headers: #"{"task": "t"}"#), reason: "invalidTask", field: "id"),
            HostileMessage(
                name: "an integer id", bytes: envelope(headers: #"{"task": "t", "id": 5}"#), reason: "invalidTask",
                field: "id"),
            HostileMessage(
                name: "chain:[1]", bytes: envelope(embed: #"{"chain": [1]}"#), reason: "invalidTask", field: "chain"),
            HostileMessage(
                name: "no delivery_tag",
                bytes: envelope(properties: #"{"delivery_info": {"exchange": "", "routing_key": "q"}}"#),
                reason: "malformedEnvelope", field: "properties.delivery_tag"),
            HostileMessage(
                name: "no properties", bytes: Array(#"{"body": ""}"#.utf8), reason: "malformedEnvelope",
                field: "properties"),
            HostileMessage(
                name: "delivery_info: null",
                bytes: envelope(properties: #"{"delivery_info": null, "delivery_tag": "d"}"#),
                reason: "malformedEnvelope", field: "properties.delivery_info"),
            HostileMessage(
                name: "headers: null", bytes: envelope(headers: "null"), reason: "malformedEnvelope", field: "headers"),
            HostileMessage(
                name: "a body that is not UTF-8",
                bytes: envelope(base64: Base64.encode([0x5b, 0x22, 0xff, 0x22, 0x5d])),
                reason: "undecodableBody", field: "body"),
            HostileMessage(
                name: "a body 100,000 deep", bytes: envelope(body: deep), reason: "undecodableBody", field: "body"),
            HostileMessage(
                name: "callbacks a dict", bytes: envelope(embed: #"{"callbacks": {"task": "x"}}"#),
                reason: "invalidTask", field: "callbacks"),
        ]
    }()

    private static func envelope(
        body: String = "[[2, 3], {}, {}]", embed: String? = nil, headers: String = #"{"task": "t", "id": "i"}"#,
        properties: String = """
        {"delivery_info": {"exchange": "", "routing_key": "celery"}, "body_encoding": "base64", \
        "delivery_tag": "d"}
        """,
        base64: String? = nil
    ) -> [UInt8] {
        let text = embed.map { "[[2, 3], {}, \($0)]" } ?? body
        return Array(
            """
            {"body": "\(base64 ?? Base64.encode(Array(text.utf8)))", "content-type": "application/json", \
            "content-encoding": "utf-8", "headers": \(headers), "properties": \(properties)}
            """.utf8)
    }
}
