import CeleriacWire
import CeleryWire
import Foundation

/// The content of one capture: the messages and results from all the places where captures keep them.
struct CaptureFile {
    let name: String
    /// Messages in kombu's envelope: list elements, published payloads, `unacked` entries, files, SQL rows.
    private(set) var envelopes: [[UInt8]] = []
    /// Messages as AMQP carried them.
    private(set) var amqpMessages: [WireMessage] = []
    /// Results as stores and channels carried them, compressed or not. Results in messages are among the messages.
    private(set) var results: [[UInt8]] = []
    /// Groups as stores keep them.
    private(set) var groups: [[UInt8]] = []
    /// Rows of the SQL result store's tables.
    private(set) var sqlResults: [WireObject] = []
    private(set) var sqlGroups: [WireObject] = []

    init(_ url: URL) throws {
        name = url.lastPathComponent
        guard case .object(var document) = try WireJSON.decode([UInt8](Data(contentsOf: url))) else { return }
        // It repeats the content of `redis_keys_after` for human readers.
        document["decoded"] = nil
        walk(.object(document))
    }

    /// The folder of the captures.
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "celery")

    /// All captures, by name.
    static let all: [CaptureFile] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.sorted().filter { $0.hasSuffix(".json") && $0 != "INVENTORY.json" }.compactMap {
            try? CaptureFile(folder.appending(path: $0))
        }
    }()

    private mutating func walk(_ value: WireValue) {
        switch value {
        case .string(let text):
            if let arguments = MonitorLine.arguments(text) {
                for argument in arguments { sort(argument) }
            } else {
                sort(Array(text.utf8))
            }
        case .array(let values):
            for value in values { walk(value) }
        case .object(let object):
            if object.count == 1, let bytes = Self.bytes(value) {
                sort(bytes)
            } else if case .object(let properties)? = object["properties"], let body = object["body"] {
                amqpMessages.append(Self.amqpMessage(properties, body: body))
            } else if object["task_id"] != nil, object["status"] != nil, object["date_done"] != nil {
                sqlResults.append(object)
            } else if object["taskset_id"] != nil, object["result"] != nil {
                sqlGroups.append(object)
            } else {
                for value in object.values { walk(value) }
            }
        default: break
        }
    }

    /// Sorts the content of one string.
    private mutating func sort(_ bytes: [UInt8]) {
        if bytes.starts(with: [0] + Array("celery-compressed".utf8)) {
            results.append(bytes)
            return
        }
        guard bytes.first == UInt8(ascii: "{") || bytes.first == UInt8(ascii: "["),
            let value = try? WireJSON.decode(bytes)
        else { return }
        switch value {
        case .array(let parts) where parts.count == 3 && parts[0]["body"] != nil:
            // An entry of `unacked`: [envelope, exchange, routing key].
            if let envelope = Self.firstElement(bytes, before: parts.dropFirst()) { envelopes.append(envelope) }
        case .object(let object):
            if object["body"] != nil, object["properties"] != nil {
                envelopes.append(bytes)
            } else if object["status"] != nil, object["task_id"] != nil {
                results.append(bytes)
            } else if object.count == 1, object["result"]?.arrayValue != nil {
                groups.append(bytes)
            }
        default: break
        }
    }

    /// The bytes of an array's first element, found by the text of the others.
    private static func firstElement(_ array: [UInt8], before others: ArraySlice<WireValue>) -> [UInt8]? {
        guard let rest = try? WireJSON.encode(.array(Array(others)), style: .python) else { return nil }
        let end = Array(", ".utf8) + rest.dropFirst()
        return array.suffix(end.count) == end[...] ? Array(array.dropFirst().dropLast(end.count)) : nil
    }

    private static func bytes(_ value: WireValue) -> [UInt8]? {
        guard case .string(let text)? = value["base64"] else { return nil }
        return try? Base64.decode(text)
    }

    private static func amqpMessage(_ properties: WireObject, body: WireValue) -> WireMessage {
        var message = WireMessage()
        message.body = bytes(body) ?? Array((body.stringValue ?? "").utf8)
        for (name, value) in properties {
            switch (name, value) {
            case ("application_headers", .object(let headers)): message.headers = headers
            case ("content_type", .string(let text)): message.properties.contentType = text
            case ("content_encoding", .string(let text)): message.properties.contentEncoding = text
            case ("correlation_id", .string(let text)): message.properties.correlationID = text
            case ("reply_to", .string(let text)): message.properties.replyTo = text
            case ("expiration", .string(let text)): message.properties.expiration = text
            case ("delivery_mode", .int(let number)): message.properties.deliveryMode = UInt8(exactly: number)
            case ("priority", .int(let number)): message.properties.priority = UInt8(exactly: number)
            default: message.properties.other[name] = value
            }
        }
        return message
    }
}
