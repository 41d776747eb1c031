import Celeriac
import CeleriacWire

/// The hostile messages in AMQP's form, with native headers and properties, plus some that only AMQP can carry.
struct HostileAMQPMessage: Sendable {
    let name: String
    let message: WireMessage
    let reason: String

    static let all: [HostileAMQPMessage] = {
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        return [
            make("timelimit:[5]", headers: ["timelimit": [5]], reason: "invalidTask"),
            make("not JSON", body: "nonsense", reason: "undecodableBody"),
            make("an empty body", body: "", reason: "undecodableBody"),
            make("a JSON object", body: "{}", reason: "invalidTask"),
            make("a body of two elements", body: "[[], {}]", reason: "invalidTask"),
            make("no id", headers: ["id": .null], reason: "invalidTask"),
            make("an integer id", headers: ["id": 5], reason: "invalidTask"),
            make("chain:[1]", body: #"[[2, 3], {}, {"chain": [1]}]"#, reason: "invalidTask"),
            make("callbacks a dict", body: #"[[2, 3], {}, {"callbacks": {"task": "x"}}]"#, reason: "invalidTask"),
            make("a body 100,000 deep", body: deep, reason: "undecodableBody"),
            HostileAMQPMessage(
                name: "a body that is not UTF-8",
                message: message(body: [0x5b, 0x22, 0xff, 0x22, 0x5d]), reason: "undecodableBody"),
            HostileAMQPMessage(
                name: "no headers at all",
                message: WireMessage(
                    properties: MessageProperties(contentType: "application/json", contentEncoding: "utf-8"),
                    body: Array("[[2, 3], {}, {}]".utf8)),
                reason: "notATask"),
            HostileAMQPMessage(
                name: "an unknown form",
                message: message(contentType: "application/x-unknown"), reason: "disallowedContentType"),
            make(
                "a compression that is not true", headers: ["compression": "application/x-gzip"],
                reason: "undecodableBody"),
            make("an unknown compression", headers: ["compression": "application/x-7z"], reason: "unknownCompression"),
        ]
    }()

    private static func make(
        _ name: String, headers: WireObject = [:], body: String = "[[2, 3], {}, {}]", reason: String
    ) -> HostileAMQPMessage {
        HostileAMQPMessage(name: name, message: message(headers: headers, body: Array(body.utf8)), reason: reason)
    }

    private static func message(
        headers: WireObject = [:], contentType: String = "application/json",
        body: [UInt8] = Array("[[2, 3], {}, {}]".utf8)
    ) -> WireMessage {
        var all: WireObject = ["lang": "py", "task": "tasks.add", "id": "hostile"]
        for (name, value) in headers { all[name] = value }
        return WireMessage(
            headers: all,
            properties: MessageProperties(contentType: contentType, contentEncoding: "utf-8", deliveryMode: 2),
            body: body)
    }
}
