import CeleriacCore
import CeleriacWire
import CeleryDialect
import CeleryWire
import Testing

/// What a worker stores and a client reads in the forms that the settings name, without any store.
@Suite struct ResultFormTests {
    static let forms = [
        CeleryResultContent(serializer: .json, compression: "gzip", accept: [.json]),
        CeleryResultContent(serializer: .msgpack, accept: [.msgpack]),
        CeleryResultContent(serializer: .msgpack, compression: "gzip", accept: [.json, .msgpack]),
        CeleryResultContent(serializer: .yaml, accept: [.yaml]),
    ]

    /// A request of a task in the header of a chord.
    private func request(_ formats: CeleryFormats) throws -> TaskRequest {
        var body = CelerySignature(task: "tasks.sum")
        body.options = ["task_id": "body"]
        var task = CeleryTaskMessage(task: "tasks.add", id: "id-1", args: [2, 3])
        task.group = "g"
        task.groupIndex = 0
        task.embed.chord = body.encode()
        return try EffectBench(formats: formats).request(of: try task.encode())
    }

    private func record(_ effects: [Effect]) throws -> ResultRecord {
        let records: [ResultRecord] = effects.compactMap { effect in
            if case .store(let record) = effect { record } else { nil }
        }
        return try #require(records.first)
    }

    @Test(arguments: forms)
    func aSuccessIsReadAgain(_ content: CeleryResultContent) throws {
        let formats = CeleryFormats(resultContent: content)
        let effects = try formats.effects(of: .success(5), for: try request(formats), in: EffectBench.context())
        let record = try record(effects)
        #expect(record.contentType == content.serializer.contentType)
        #expect(record.contentEncoding == content.serializer.contentEncoding)
        #expect((record.payload.first == 0) == (content.compression != nil))
        let result = try formats.result(from: record.payload)
        #expect(result.state == .success && result.value == 5 && result.taskID == "id-1")
    }

    @Test(arguments: forms)
    func aFailureIsReadAgain(_ content: CeleryResultContent) throws {
        let formats = CeleryFormats(resultContent: content)
        let failure = TaskFailure(type: "ValueError", module: nil, arguments: ["boom", 42])
        let effects = try formats.effects(of: .failure(failure), for: try request(formats), in: EffectBench.context())
        let error = try #require(try formats.result(from: try record(effects).payload).error)
        #expect(error.type == "ValueError" && error.module == "builtins" && error.arguments == ["boom", 42])
        let revoked = try formats.record(ofRevokedTask: "id-2", stored: nil, in: EffectBench.context())
        let payload = try #require(revoked).payload
        #expect(revoked?.contentType == content.serializer.contentType)
        #expect(try formats.result(from: payload).state == .revoked)
    }

    @Test(
        arguments: [(nil, Duration.seconds(100)), (.zero, nil), (.seconds(60), .seconds(60))]
            as [(Duration?, Duration?)])
    func failuresAreKeptForATimeOfTheirOwn(_ setting: Duration?, _ expected: Duration?) throws {
        let formats = CeleryFormats(failureExpiry: setting)
        let context = EffectBench.context(expiry: .seconds(100))
        let failure = TaskFailure(type: "ValueError", module: nil, arguments: [])
        let failed = try formats.effects(of: .failure(failure), for: try request(formats), in: context)
        #expect(try record(failed).expiry == expected)
        let succeeded = try formats.effects(of: .success(5), for: try request(formats), in: context)
        #expect(try record(succeeded).expiry == .seconds(100))
    }

    @Test(arguments: forms)
    func aChordIsJoinedAndAGroupFound(_ content: CeleryResultContent) throws {
        let formats = CeleryFormats(resultContent: content)
        let request = try request(formats)
        let part = try #require(
            try formats.effects(of: .success(5), for: request, in: EffectBench.context()).parts.first)
        #expect(try content.decode(part.payload, limits: .default) == [1, "id-1", "SUCCESS", 5])
        let reference = ResultReference(id: "g", members: [ResultReference(id: "id-1")])
        let group = try formats.payload(ofGroup: reference)
        #expect(try formats.group(from: group) == reference)
        for saved in [nil, group] {
            let completion = ChordCompletion(
                claim: ChordClaim(groupID: "g", token: "t"), parts: [part.payload], group: saved)
            let ended = formats.effects(of: completion, of: part, for: request, in: EffectBench.context())
            #expect(try ended.messages().map(\.args) == [[[5]]])
        }
    }

    @Test(arguments: forms)
    func theShapeOfAChordIsSavedAsResultsAre(_ content: CeleryResultContent) throws {
        let formats = CeleryFormats(resultContent: content)
        let parts = ["a", "b", "c", "d"].map { CelerySignature(task: $0) }
        // Groups within the header become part of it; the results of a chain that ends in a group stay a group.
        let header = CelerySignature.group([.chain([parts[0], .group([parts[1], parts[2]])]), parts[3]])
        let publication = try formats.publication(
            of: .native(CelerySignature.chord(header, body: CelerySignature(task: "tasks.sum"))),
            in: EffectBench.context().publication)
        let saved: [(id: String, payload: [UInt8])] = publication.steps.compactMap { step in
            if case .chord(.save(let id, let payload, _)) = step { (id: id, payload: payload) } else { nil }
        }
        let group = try #require(saved.first)
        #expect(saved.count == 1 && (group.payload.first == 0) == (content.compression != nil))
        let reference = try formats.group(from: group.payload)
        #expect(reference.id == group.id && reference.members?.map { $0.members?.count } == [2, nil])
    }

    @Test func aPartThatIsRefusedFailsTheChordWithTheReason() throws {
        let formats = CeleryFormats(resultContent: CeleryResultContent(serializer: .msgpack))
        let request = try request(formats)
        let part = try #require(
            try formats.effects(of: .success(5), for: request, in: EffectBench.context()).parts.first)
        let completion = ChordCompletion(
            claim: ChordClaim(groupID: "g", token: "t"), parts: [part.payload], group: nil)
        let record = try record(
            formats.effects(of: completion, of: part, for: request, in: EffectBench.context()))
        let reader = CeleryFormats(resultContent: CeleryResultContent(serializer: .msgpack, accept: [.msgpack]))
        let text = try #require(try reader.result(from: record.payload).error?.arguments.first?.stringValue)
        #expect(text.hasPrefix("Join error: ") && text.hasSuffix("add 'msgpack' to result_accept_content"), "\(text)")
    }

    @Test func whatIsNotAcceptedIsATypedError() throws {
        let formats = CeleryFormats(resultContent: CeleryResultContent(serializer: .msgpack))
        let effects = try formats.effects(of: .success(5), for: try request(formats), in: EffectBench.context())
        let payload = try record(effects).payload
        let error = #expect(throws: CeleriacError.self) { try formats.result(from: payload) }
        #expect(error?.code == .resultStore)
        #expect((error?.cause as? CeleryWireError)?.code == .disallowedContentType)
    }

    /// Bytes have a form of their own there, where JSON has kombu's envelopes.
    @Test func valuesAreAsTheSerializerHasThem() throws {
        let bytes = ExtendedValue.bytes([0, 0xff])
        for serializer in [CelerySerializer.msgpack, .yaml] {
            let formats = CeleryFormats(resultContent: CeleryResultContent(serializer: serializer))
            #expect(try formats.resultValueCoding.wireValue(for: bytes) == .bytes([0, 0xff]))
            #expect(try formats.valueCoding.value(of: .bytes, from: .bytes([0, 0xff])) == bytes)
        }
        let json = try CeleryFormats().resultValueCoding.wireValue(for: bytes)
        #expect(json == ["__type__": "base64", "__value__": "AP8="])
    }
}
