import CeleriacWire
import CeleryWire
import Testing

/// What `celeriac decode` prints for every captured task: it leaves nothing out, and shows the message's values
/// verbatim.
@Suite struct CeleryDescriptionCaptureTests {
    private static let keys = [
        "dialect", "protocol", "id", "task", "args", "kwargs", "eta", "expires", "retries", "timelimit", "group",
        "group_index", "root_id", "parent_id", "ignore_result", "callbacks", "errbacks", "chain", "chord", "headers",
        "properties", "content_type", "compression",
    ]

    @Test func envelopes() throws {
        var count = 0
        for file in CaptureFile.all {
            for bytes in file.envelopes {
                let envelope = try WireJSON.decode(bytes)
                guard let message = try? KombuEnvelope.decode(bytes).message,
                    let task = CapturedMessage(file: file.name, message: message).task
                else { continue }
                try check(
                    CeleryTaskMessage.describe(bytes), message, task, properties: envelope["properties"], file.name)
                count += 1
            }
        }
        #expect(count > 500)
    }

    @Test func amqpMessages() throws {
        var count = 0
        for file in CaptureFile.all {
            for message in file.amqpMessages {
                guard let task = CapturedMessage(file: file.name, message: message).task else { continue }
                var properties: WireObject = ["content_encoding": "utf-8", "delivery_mode": 2]
                properties["content_type"] = message.properties.contentType.map { .string($0) }
                properties["correlation_id"] = message.properties.correlationID.map { .string($0) }
                let input = WireValue.object([
                    "properties": .object(properties), "headers": .object(message.headers),
                    "body_base64": .string(Base64.encode(message.body)),
                ])
                let description = try CeleryTaskMessage.describe(WireJSON.encode(input))
                try check(description, message, task, properties: .object(properties), file.name)
                count += 1
            }
        }
        #expect(count > 100)
    }

    private func check(
        _ description: WireObject, _ message: WireMessage, _ task: CeleryTaskMessage, properties: WireValue?,
        _ file: String
    ) throws {
        #expect(description.keys == Self.keys, "\(file)")
        // The description is valid JSON.
        #expect(try WireJSON.decode(WireJSON.encode(.object(description))) == .object(description), "\(file)")
        #expect(description["protocol"] == .int(Int64(task.protocolVersion)), "\(file)")
        #expect(description["properties"] == properties, "\(file)")
        #expect(description["headers"] == .object(message.headers), "\(file)")
        #expect(description["content_type"]?.stringValue == message.properties.contentType, "\(file)")
        #expect(description["compression"] == message.headers["compression"] ?? .null, "\(file)")
        #expect(description["id"]?.stringValue == task.id && description["task"]?.stringValue == task.task, "\(file)")
        guard task.serializer == .json, task.compression == nil else { return }
        let body = try WireJSON.decode(message.body)
        let isFirst = task.protocolVersion == 1
        #expect(description["args"] == (isFirst ? body["args"] : body[0]), "\(file)")
        #expect(description["kwargs"] == (isFirst ? body["kwargs"] : body[1]), "\(file)")
        let headers = isFirst ? body : .object(message.headers)
        for name in ["eta", "expires", "retries", "timelimit", "root_id", "parent_id", "group", "group_index"] {
            let said = isFirst && name == "group" ? headers["taskset"] ?? .null : headers[name] ?? .null
            #expect(description[name] == said, "\(file): \(name)")
        }
        let embed = isFirst ? body : body[2]
        for name in ["callbacks", "errbacks", "chain", "chord"] {
            #expect(description[name] == embed?[name] ?? .null, "\(file): \(name)")
        }
    }
}
