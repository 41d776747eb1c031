import CeleriacWire
import CeleryWire
import Testing

/// Every beginning of real bytes, and real bytes with each single byte changed, give a value or an error.
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

    /// How a damaged task may be refused.
    private static let taskCodes: Set<CeleryWireError.Code> = [
        .undecodableBody, .invalidTask, .notATask, .disallowedContentType, .pickleRefused, .unknownCompression,
    ]

    /// Runs `body` on all beginnings and mutations. Those that it refuses have to be refused with one of `codes`; some have
    /// to be accepted and some refused.
    private func mutate(
        _ bytes: [UInt8], refusedWith codes: Set<CeleryWireError.Code>, _ body: ([UInt8]) throws -> Void
    ) {
        var accepted = 0
        var refused: [CeleryWireError.Code: Int] = [:]
        func run(_ bytes: [UInt8]) {
            do {
                try body(bytes)
                accepted += 1
            } catch let error as CeleryWireError {
                refused[error.code, default: 0] += 1
            } catch {
                Issue.record("an error of another type: \(error)")
            }
        }
        for count in 0..<bytes.count { run(Array(bytes.prefix(count))) }
        for index in bytes.indices {
            var changed = bytes
            for byte in [0x00, 0xff, 0x22, 0x5c, 0x30, 0x2d, 0x5b, 0x7d, bytes[index] ^ 1, bytes[index] ^ 0x20]
                as [UInt8]
            {
                changed[index] = byte
                run(changed)
            }
        }
        #expect(accepted > 0)
        #expect(!refused.isEmpty)
        #expect(codes.isSuperset(of: refused.keys), "\(refused)")
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
            mutate(try envelope.encode(), refusedWith: Self.taskCodes.union([.malformedEnvelope])) { bytes in
                let envelope = try KombuEnvelope.decode(bytes)
                _ = try KombuEnvelope.decode(envelope.encode())
                try read(envelope.message)
                _ = try CeleryTaskMessage.describe(bytes)
            }
        }
    }

    @Test(arguments: [CelerySerializer.json, .msgpack, .yaml], [nil, CeleryCompression.zlib])
    func bodies(_ serializer: CelerySerializer, _ compression: CeleryCompression?) throws {
        var task = Self.task
        task.serializer = serializer
        task.compression = compression
        var message = try task.encode()
        mutate(message.body, refusedWith: Self.taskCodes) { bytes in
            message.body = bytes
            try read(message)
        }
        try read(task.encode())
    }

    @Test func headersOfEveryType() throws {
        let values: [WireValue] = [
            nil, true, 0, -1, .int(.min), .int(.max), .number("1180591620717411303424"), 1.5, .double(.nan),
            .double(.infinity), .double(-1e300), "", "x", .bytes([]), .bytes([0xff]), [], [nil], [1, 2], ["a", "b"],
            [:], ["task": "x"], [["task": "x"]], ["": [[[[]]]]],
        ]
        let names = try Self.task.encode().headers.keys + ["compression", "redelivered", "x-custom"]
        for name in names {
            for value in values {
                do {
                    try read(Samples.protocol2(headers: [name: value]))
                    try read(Samples.protocol1([name: value]))
                } catch is CeleryWireError {
                } catch is WireError {
                    // The sample itself cannot be made: JSON has no bytes and no NaN.
                }
            }
        }
    }

    @Test func results() throws {
        let exception = CeleryRemoteException(excType: "ValueError", excMessage: ["boom", 42], excModule: "builtins")
        let meta = CeleryResultMeta(
            status: "FAILURE", result: exception.encode(), traceback: "t", children: [[["a", nil], nil]],
            dateDone: "2026-11-23T03:14:36.341511+00:00", taskID: "i", groupID: "g",
            extended: CeleryExtendedResult(name: "n", args: [1], retries: 2))
        for compression in [nil, CeleryCompression.zlib] {
            let codes: Set<CeleryWireError.Code> =
                compression == nil ? [.unrepresentable] : [.undecodableBody, .unknownCompression]
            mutate(try meta.encode(compression: compression), refusedWith: codes.union([.malformedResult])) { bytes in
                let meta = try CeleryResultMeta.decode(bytes)
                _ = meta.exception
                _ = meta.dateDoneDate()
                for child in meta.children?.arrayValue ?? [] { _ = try CeleryResultTuple.decode(child).encode() }
                _ = try meta.encode(nonFinite: .allow)
            }
        }
        let group = CeleryResultTuple(
            id: "g", parent: CeleryResultTuple(id: "p"), members: [CeleryResultTuple(id: "a", members: [])])
        mutate(try group.encodeGroup(), refusedWith: [.malformedResult]) { bytes in
            _ = try CeleryResultTuple.decodeGroup(bytes).encodeGroup()
        }
    }
}
