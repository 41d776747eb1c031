import CeleriacWire
import CeleryWire
import Testing

/// Every prefix of real bytes, and real bytes with any single byte changed, give a value or an error.
@Suite struct MutationTests {
    private static let task: CeleryTaskMessage = {
        var task = CeleryTaskMessage(
            task: "capapp.add", id: Samples.id,
            args: [2, "h\u{e9} \u{1f600}", 1.5, ["__type__": "date", "__value__": "2026-01-02"]],
            kwargs: ["k": [nil, true]])
        task.embed = CeleryEmbed(
            callbacks: [["task": "c", "args": [1]]], chain: [["task": "n"]], chord: ["task": "d", "options": [:]])
        task.eta = "2030-01-02T03:04:05.678901+05:30"
        task.timeLimit = CeleryTimeLimit(hard: 30, soft: 20)
        task.stampedHeaders = ["s"]
        return task
    }()

    /// What the reader made of changed bytes.
    private struct Outcome {
        var accepted = 0
        var codes: Set<CeleryWireError.Code> = []

        mutating func run(_ body: () throws -> Void) {
            do {
                try body()
                accepted += 1
            } catch let error as CeleryWireError {
                codes.insert(error.code)
            } catch {
                Issue.record("an error of another type: \(error)")
            }
        }
    }

    /// Runs `body` on all mutations and on all proper prefixes, each of which it must refuse with one of `codes`. The
    /// last `optional` bytes may be missing.
    private func mutate(
        _ bytes: [UInt8], refusing codes: Set<CeleryWireError.Code>, optional: Int = 0,
        _ body: ([UInt8]) throws -> Void
    ) -> Outcome {
        var beginnings = Outcome()
        for count in 0..<bytes.count - optional { beginnings.run { try body(Array(bytes.prefix(count))) } }
        #expect(beginnings.accepted == 0)
        #expect(beginnings.codes == codes)
        var mutations = Outcome()
        for index in bytes.indices {
            var changed = bytes
            for byte in [0x00, 0xff, 0x22, 0x5c, 0x30, 0x2d, 0x5b, 0x7d, bytes[index] ^ 1, bytes[index] ^ 0x20]
                as [UInt8]
            {
                changed[index] = byte
                mutations.run { try body(changed) }
            }
        }
        return mutations
    }

    /// Everything that a worker does with a message before it runs the task.
    private func read(_ message: WireMessage) throws {
        let task = try CeleryTaskMessage.decode(message, accept: [.json, .msgpack, .yaml])
        _ = try? task.etaDate()
        _ = try? task.expiresDate()
        _ = try? task.encode(nonFinite: .allow)
        _ = try CeleryTaskMessage.description(of: message)
    }

    @Test func envelopes() throws {
        for protocolVersion in [1, 2] {
            var task = Self.task
            if protocolVersion == 1 { task.embed.chain = nil }
            let message = try task.encode(protocolVersion: protocolVersion)
            let envelope = KombuEnvelope(message: message, routingKey: "celery", deliveryTag: "tag")
            let outcome = mutate(try envelope.encode(), refusing: [.malformedEnvelope]) { bytes in
                let envelope = try KombuEnvelope.decode(bytes)
                _ = try KombuEnvelope.decode(envelope.encode())
                try read(envelope.message)
                _ = try CeleryTaskMessage.describe(bytes)
            }
            #expect(outcome.accepted > 0)
            #expect(
                outcome.codes == [
                    .malformedEnvelope, .disallowedContentType, .undecodableBody, .notATask, .invalidTask,
                ])
        }
    }

    @Test(arguments: [CelerySerializer.json, .msgpack, .yaml], [nil, CompressionMethod.zlib])
    func bodies(_ serializer: CelerySerializer, _ compression: CompressionMethod?) throws {
        var task = Self.task
        task.serializer = serializer
        task.compression = compression
        var message = try task.encode()
        // A YAML document may be empty, which is null, and may lack its last line break.
        let isYAML = serializer == .yaml && compression == nil
        let outcome = mutate(
            message.body, refusing: isYAML ? [.undecodableBody, .invalidTask] : [.undecodableBody],
            optional: isYAML ? 1 : 0
        ) { bytes in
            message.body = bytes
            try read(message)
        }
        #expect(outcome.accepted > 0)
        #expect(outcome.codes == (compression == nil ? [.undecodableBody, .invalidTask] : [.undecodableBody]))
        try read(task.encode())
    }

    @Test func headersOfEveryType() throws {
        let values: [WireValue] = [
            nil, true, 0, -1, .int(.min), .int(.max), .number("1180591620717411303424"), 1.5, .double(.nan),
            .double(.infinity), .double(-1e300), "", "x", .bytes([]), .bytes([0xff]), [], [nil], [1, 2], ["a", "b"],
            [:], ["task": "x"], [["task": "x"]], ["": [[[[]]]]],
        ]
        let names = try Self.task.encode().headers.keys + ["compression", "redelivered", "x-custom"]
        var headers = Outcome()
        var bodies = Outcome()
        for name in names {
            for value in values {
                headers.run { try read(Samples.protocol2(headers: [name: value])) }
                // JSON has no bytes and no NaN, so there is no such body.
                guard let message = try? Samples.protocol1([name: value]) else { continue }
                bodies.run { try read(message) }
            }
        }
        #expect(headers.accepted > 0 && bodies.accepted > 0)
        #expect(headers.codes == [.invalidTask, .unknownCompression])
        #expect(bodies.codes == [.invalidTask])
    }

    @Test func results() throws {
        let exception = CeleryRemoteException(excType: "ValueError", excMessage: ["boom", 42], excModule: "builtins")
        let meta = CeleryResultMeta(
            status: "FAILURE", result: exception.encode(), traceback: "t", children: [[["a", nil], nil]],
            dateDone: "2026-11-23T03:14:36.341511+00:00", taskID: "i", groupID: "g",
            extended: CeleryExtendedResult(name: "n", args: [1], retries: 2))
        for compression in [nil, CompressionMethod.zlib] {
            let codes: Set<CeleryWireError.Code> =
                compression == nil ? [.malformedResult] : [.malformedResult, .unknownCompression, .undecodableBody]
            let outcome = mutate(try meta.encode(compression: compression), refusing: codes) { bytes in
                let meta = try CeleryResultMeta.decode(bytes)
                _ = meta.exception
                _ = meta.dateDoneDate()
                for child in meta.children?.arrayValue ?? [] { _ = try CeleryResultTuple.decode(child).encode() }
                _ = try meta.encode(nonFinite: .allow)
            }
            #expect(outcome.accepted > 0)
            // A result whose `task_id` was damaged cannot be written again.
            #expect(outcome.codes == (compression == nil ? [.malformedResult, .unrepresentable] : codes))
        }
        let group = CeleryResultTuple(
            id: "g", parent: CeleryResultTuple(id: "p"), members: [CeleryResultTuple(id: "a", members: [])])
        let outcome = mutate(try group.encodeGroup(), refusing: [.malformedResult]) { bytes in
            _ = try CeleryResultTuple.decodeGroup(bytes).encodeGroup()
        }
        #expect(outcome.accepted > 0)
        #expect(outcome.codes == [.malformedResult])
    }
}
