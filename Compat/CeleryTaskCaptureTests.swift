import CeleriacWire
import CeleryWire
import Testing

/// Every task message of every capture: decoded, encoded again and compared.
///
/// | part | compared | why not more |
/// |---|---|---|
/// | body, JSON and MessagePack | byte by byte | |
/// | body, compressed | byte by byte, decompressed | compressors may differ |
/// | body, YAML | value by value | emitters break lines as they like |
/// | headers, Celery 5.7 | byte by byte, order included | `redelivered` is the transport's and not the task's |
/// | headers that RabbitMQ dead-lettered | value by value | it puts `x-death` and its like wherever it likes |
/// | headers, Celery 4.4.7 | byte by byte but for the four at the end | it lacks `ignore_result` and later ones |
/// | properties | value by value, but an absent priority is written as 0 | their order is the envelope's matter |
@Suite struct CeleryTaskCaptureTests {
    private struct Encoded {
        let original: CapturedMessage
        let task: CeleryTaskMessage
        let message: WireMessage
    }

    private func encoded() throws -> [Encoded] {
        try CapturedMessage.all.compactMap { original in
            guard let task = original.task else { return nil }
            let message = try task.encode(protocolVersion: task.protocolVersion, nonFinite: .allow)
            return Encoded(original: original, task: task, message: message)
        }
    }

    private func plain(_ body: [UInt8], _ task: CeleryTaskMessage) throws -> [UInt8] {
        try task.compression?.decompress(body) ?? body
    }

    @Test func bodies() throws {
        var compared = 0
        for encoded in try encoded() {
            let file = encoded.original.file
            let original = try plain(encoded.original.message.body, encoded.task)
            let written = try plain(encoded.message.body, encoded.task)
            if encoded.task.serializer == .yaml {
                #expect(try WireYAML.decode(written).unordered == WireYAML.decode(original).unordered, "\(file)")
            } else {
                #expect(written == original, "\(file)")
            }
            compared += 1
        }
        #expect(compared > 900)
    }

    @Test func headers() throws {
        for encoded in try encoded() {
            var expected = encoded.original.message.headers
            expected["redelivered"] = nil
            var written = encoded.message.headers
            if encoded.original.isCelery4, encoded.task.protocolVersion == 2 {
                for (name, value) in Self.later {
                    #expect(expected[name] == nil)
                    #expect(written.removeValue(forKey: name) == value, "\(encoded.original.file): \(name)")
                }
            }
            if expected["x-death"] != nil {
                #expect(WireValue.object(written).unordered == WireValue.object(expected).unordered)
            } else {
                let bytes = try WireJSON.encode(.object(written), style: .python)
                #expect(try bytes == WireJSON.encode(.object(expected), style: .python), "\(encoded.original.file)")
            }
        }
    }

    /// The headers that 5.x added after `origin`, with the values that `encode` writes if a message has none.
    private static let later: WireObject = [
        "ignore_result": nil, "replaced_task_nesting": 0, "stamped_headers": nil, "stamps": [:],
    ]

    @Test func properties() throws {
        var withoutPriority: Set<String> = []
        for encoded in try encoded() {
            var expected = encoded.original.message.properties
            if expected.priority == nil {
                withoutPriority.insert(encoded.original.file)
                expected.priority = 0
            }
            #expect(encoded.message.properties == expected, "\(encoded.original.file)")
        }
        // Celery over AMQP sends no priority when the sender names a queue that Celery does not know.
        #expect(
            withoutPriority == [
                "c447p1.amqp.queue.json", "c447p2.amqp.queue.json", "p1.amqp.queue.json", "p2.amqp.queue.json",
            ])
    }

    @Test func decodingTheEncodedGivesTheSame() throws {
        for encoded in try encoded() {
            var again = try CeleryTaskMessage.decode(encoded.message, accept: CapturedMessage.accept)
            again.embed = again.embed.unordered
            var task = encoded.task
            task.embed = task.embed.unordered
            task.properties.priority = task.properties.priority ?? 0
            #expect(again.otherHeaders.count == task.otherHeaders.count)
            for (name, value) in task.otherHeaders { #expect(again.otherHeaders[name] == value) }
            again.otherHeaders = task.otherHeaders
            #expect(again == task, "\(encoded.original.file)")
        }
    }

    @Test func whatFollowsTheTaskSurvivesUntouched() throws {
        var seen: [String: Int] = [:]
        for encoded in try encoded() where encoded.task.serializer == .json {
            let body = try WireJSON.decode(plain(encoded.original.message.body, encoded.task))
            let again = try WireJSON.decode(plain(encoded.message.body, encoded.task))
            let embed = encoded.task.protocolVersion == 2 ? body[2] : body
            let written = encoded.task.protocolVersion == 2 ? again[2] : again
            for (name, kept) in [
                ("callbacks", encoded.task.embed.callbacks), ("errbacks", encoded.task.embed.errbacks),
                ("chain", encoded.task.embed.chain), ("chord", encoded.task.embed.chord),
            ] {
                let original = embed?[name] ?? .null
                #expect(kept ?? .null == original, "\(encoded.original.file): \(name)")
                #expect(written?[name] ?? .null == original, "\(encoded.original.file): \(name)")
                if !original.isNull { seen[name, default: 0] += 1 }
            }
        }
        for name in ["callbacks", "errbacks", "chain", "chord"] {
            #expect(seen[name, default: 0] > 20, "\(name)")
        }
    }

    @Test func everySignatureIsReadAndWritten() throws {
        var count = 0
        for encoded in try encoded() {
            let embed = encoded.task.embed
            let lists = [embed.callbacks, embed.errbacks, embed.chain].compactMap { $0?.arrayValue }.joined()
            for value in lists + [embed.chord].compactMap(\.self) {
                let signature = try CelerySignature.decode(value)
                #expect(signature.encode().unordered == value.unordered, "\(encoded.original.file)")
                count += 1
            }
        }
        #expect(count > 100)
    }

    @Test func timesAreRead() throws {
        for task in CapturedMessage.all.compactMap(\.task) {
            #expect(try (task.etaDate() == nil) == (task.eta == nil))
            #expect(try (task.expiresDate() == nil) == (task.expires == nil))
        }
    }
}
