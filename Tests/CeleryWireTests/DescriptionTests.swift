import CeleriacWire
import CeleryWire
import Testing

@Suite struct DescriptionTests {
    private static let keys = [
        "dialect", "protocol", "id", "task", "args", "kwargs", "eta", "expires", "retries", "timelimit", "group",
        "group_index", "root_id", "parent_id", "ignore_result", "callbacks", "errbacks", "chain", "chord", "headers",
        "properties", "content_type", "compression",
    ]

    @Test func describesAnEnvelope() throws {
        let description = try CeleryTaskMessage.describe(Array(Samples.envelope.utf8))
        #expect(Array(description.keys) == Self.keys)
        #expect(description["dialect"] == "celery")
        #expect(description["protocol"] == 2)
        #expect(description["id"] == .string(Samples.id))
        #expect(description["args"] == [2, 3])
        #expect(description["kwargs"] == [:])
        #expect(description["retries"] == 0)
        #expect(description["root_id"] == .null)
        #expect(
            description["headers"] == ["lang": "py", "task": "capapp.add", "id": .string(Samples.id), "retries": 0])
        let envelope = try WireJSON.decode(Array(Samples.envelope.utf8))
        #expect(description["properties"] == envelope["properties"])
        #expect(description["content_type"] == "application/json")
        #expect(description["compression"] == .null)
    }

    @Test func describesAnAMQPMessage() throws {
        let body =
            Base64.encode(
                Array(
                    """
                    {"task": "t", "id": "i", "args": [9007199254740993, 1180591620717411303424, 1.0,
                     {"__type__": "uuid", "__value__": {"hex": "00"}}], "taskset": "g", "retries": 3, "timelimit": [30, 20.5],
                     "eta": "2030-01-02T03:04:05", "chain": [{"task": "unseen"}], "chord": {"task": "d", "z": 1, "a": 2}}
                    """.utf8)) as String
        let input = """
            {"properties": {"content_type": "application/json", "priority": 3, "x": [1]}, "headers": {}, \
            "body_base64": "\(body)"}
            """
        let description = try CeleryTaskMessage.describe(Array(input.utf8))
        #expect(Array(description.keys) == Self.keys)
        #expect(description["protocol"] == 1)
        #expect(
            description["args"] == [
                9_007_199_254_740_993, .number("1180591620717411303424"), .double(1),
                ["__type__": "uuid", "__value__": ["hex": "00"]],
            ])
        #expect(description["kwargs"] == [:])
        #expect(description["group"] == "g")
        #expect(description["timelimit"] == [30, 20.5])
        #expect(description["eta"] == "2030-01-02T03:04:05")
        #expect(description["chain"] == .null)
        #expect(description["chord"] == ["task": "d", "z": 1, "a": 2])
        #expect(description["headers"] == [:])
        #expect(description["properties"] == ["content_type": "application/json", "priority": 3, "x": [1]])
    }

    @Test func bytesBecomeBase64() throws {
        var task = CeleryTaskMessage(task: "t", id: "i", args: [.bytes([0x68, 0x69])], serializer: .msgpack)
        task.compression = .zlib
        let message = try task.encode()
        let envelope = KombuEnvelope(message: message, routingKey: "q", deliveryTag: "d")
        let description = try CeleryTaskMessage.describe(envelope.encode())
        #expect(description["args"] == [["__type__": "base64", "__value__": "aGk="]])
        #expect(description["content_type"] == "application/x-msgpack")
        #expect(description["compression"] == "application/x-gzip")
        let direct = try CeleryTaskMessage.description(of: message)
        #expect(direct["args"] == description["args"])
        #expect(direct["properties"]?["correlation_id"] == "i")
    }

    @Test(arguments: [
        ("", CeleryWireError.Code.malformedEnvelope), ("[]", .malformedEnvelope), ("{}", .malformedEnvelope),
        (#"{"body_base64": 5}"#, .malformedEnvelope), (#"{"body_base64": "!"}"#, .malformedEnvelope),
        (#"{"body_base64": "", "headers": 5}"#, .malformedEnvelope),
        (#"{"body_base64": "", "properties": []}"#, .malformedEnvelope),
        (#"{"body_base64": ""}"#, .disallowedContentType),
        (#"{"body_base64": "", "properties": {"content_type": "application/json"}}"#, .undecodableBody),
        (#"{"body_base64": "e30=", "properties": {"content_type": "application/json"}}"#, .notATask),
        (#"{"body_base64": "gAQu", "properties": {"content_type": "application/x-python-serialize"}}"#, .pickleRefused),
    ])
    func namesWhatIsWrong(_ input: String, _ code: CeleryWireError.Code) {
        let error = failure { () throws(CeleryWireError) in try CeleryTaskMessage.describe(Array(input.utf8)) }
        #expect(error?.code == code)
    }
}
