import CeleriacWire
import Foundation

/// A message that the kit sends or has taken, in no broker's form.
struct LiveMessage: Sendable {
    var headers: WireObject
    /// The properties that are not those of every message, under the names that they have in kombu's envelope.
    var properties: WireObject
    var body: [UInt8]
    var contentType = "application/json"
    var contentEncoding = "utf-8"

    init(headers: WireObject, properties: WireObject, body: [UInt8]) {
        self.headers = headers
        self.properties = properties
        self.body = body
    }

    /// Reads a message of a case: its body is a `value` to encode, `text`, or bytes in `base64`.
    ///
    /// - Throws: ``ConformanceError`` for one without headers or a body; what decoding base64 throws.
    init(_ value: WireValue) throws {
        guard let headers = value["headers"]?.objectValue else {
            throw ConformanceError("a message of the case has no headers")
        }
        let body: [UInt8]
        if let text = value["base64"]?.stringValue {
            body = try Base64.decode(text)
        } else if let text = value["text"]?.stringValue {
            body = Array(text.utf8)
        } else if let content = value["value"] {
            body = try WireJSON.encode(content, style: .python)
        } else {
            throw ConformanceError("a message of the case has no body")
        }
        self.init(headers: headers, properties: value["properties"]?.objectValue ?? [:], body: body)
        contentType = value["content_type"]?.stringValue ?? contentType
        contentEncoding = value["content_encoding"]?.stringValue ?? contentEncoding
    }

    /// All properties but the content's.
    var allProperties: WireObject {
        var all: WireObject = ["correlation_id": headers["id"] ?? .null, "delivery_mode": 2]
        all.merge(properties) { _, own in own }
        return all
    }

    /// The message as kombu puts it into Redis.
    func envelope(exchange: String, key: String) throws(WireError) -> [UInt8] {
        var properties: WireObject = [
            "correlation_id": headers["id"] ?? .null, "delivery_mode": 2, "priority": 0, "body_encoding": "base64",
            "delivery_info": ["exchange": .string(exchange), "routing_key": .string(key)],
            "delivery_tag": .string(UUID().uuidString.lowercased()),
        ]
        properties.merge(self.properties) { _, own in own }
        let envelope: WireValue = [
            "body": .string(Base64.encode(body)), "headers": .object(headers), "properties": .object(properties),
            "content-type": .string(contentType), "content-encoding": .string(contentEncoding),
        ]
        return try WireJSON.encode(envelope, style: .python)
    }
}

/// What checks see of a message that was found on the wire.
enum LiveView {
    /// An element of a list or a published message: kombu's envelope opened, or a document as it is.
    ///
    /// - Throws: What decoding throws.
    static func of(_ bytes: [UInt8]) throws -> WireValue {
        let document = try WireJSON.decode(bytes, limits: .kit)
        guard document["body"] != nil, document["properties"] != nil else { return ["value": document] }
        return opened(try ConformanceView.envelope.read(["envelope": .string(Base64.encode(bytes))]))
    }

    /// A message with the value of a body that has one key as `only`, since workers reply under the names of their nodes.
    static func opened(_ message: WireValue) -> WireValue {
        guard var object = message.objectValue, let body = object["value"]?.objectValue, body.count == 1,
            let only = body.values.first
        else { return message }
        object["only"] = only
        return .object(object)
    }
}
