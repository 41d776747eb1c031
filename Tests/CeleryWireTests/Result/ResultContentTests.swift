import CeleriacWire
import CeleryWire
import Testing

/// Results in the forms that Celery's settings name, and which of them are read.
@Suite struct ResultContentTests {
    private static let all: Set<CelerySerializer> = [.json, .msgpack, .yaml]

    private func decode(_ bytes: [UInt8], _ content: CeleryResultContent) throws(CeleryWireError) -> WireValue {
        try content.decode(bytes, limits: .default)
    }

    @Test(arguments: WrittenResult.all)
    func readsWhatCeleryWrites(_ written: WrittenResult) throws {
        let content = CeleryResultContent(serializer: written.serializer, accept: [written.serializer])
        let meta = try CeleryResultMeta.decode(written.bytes, content: content, limits: .default)
        #expect(meta.sorted == written.meta.sorted)
        #expect((meta.exception == nil) == (meta.state == .success))
        let again = try written.meta.encode(serializer: written.serializer)
        // YAML is written on one line, which reads the same.
        if written.serializer != .yaml { #expect(again == written.bytes) }
        #expect(try CeleryResultMeta.decode(again, content: content, limits: .default) == written.meta)
    }

    @Test func groupsAndPartsOfChords() throws {
        let group = CeleryResultTuple(id: "g", members: [CeleryResultTuple(id: "a"), CeleryResultTuple(id: "b")])
        let part: WireValue = [1, "id-1", "SUCCESS", 5]
        let msgpack = CeleryResultContent(serializer: .msgpack, accept: [.msgpack])
        let groupBytes = WrittenResult.hexadecimal("81a6726573756c749292a167c0929292a161c0c09292a162c0c0")
        #expect(try group.encodeGroup(serializer: .msgpack) == groupBytes)
        #expect(try CeleryResultTuple.decodeGroup(groupBytes, content: msgpack, limits: .default) == group)
        #expect(
            try msgpack.encode(part, limits: .default) == WrittenResult.hexadecimal("9401a469642d31a75355434345535305"))
        let yaml = CeleryResultContent(serializer: .yaml, accept: [.yaml])
        let text = """
            result:
            - - g
              - null
            - - - - a
                  - null
                - null
              - - - b
                  - null
                - null

            """
        #expect(try CeleryResultTuple.decodeGroup(Array(text.utf8), content: yaml, limits: .default) == group)
        #expect(try decode(Array("- 1\n- id-1\n- SUCCESS\n- 5\n".utf8), yaml) == part)
    }

    private static let compressed: [(CompressionMethod, [UInt8])] = [
        (
            .zlib,
            WrittenResult.hexadecimal(
                """
                0063656c6572792d636f6d70726573736564006170706c69636174696f6e2f782d677a697000789cab564a54b25230ac\
                050009e50229
                """)
        ),
        (
            .bzip2,
            WrittenResult.hexadecimal(
                """
                0063656c6572792d636f6d70726573736564006170706c69636174696f6e2f782d627a3200425a6839314159265359d6\
                4d6a790000031980500020102000000a20002218021804e27d6e177245385090d64d6a79
                """)
        ),
        (
            .xz,
            WrittenResult.hexadecimal(
                """
                0063656c6572792d636f6d70726573736564006170706c69636174696f6e2f782d6c7a6d6100fd377a585a000004e6d6\
                b4460200210116000000742fe5a30100077b2261223a20317d00dc67caa1f245c5e100012008bb19d9bb1fb6f37d0100\
                00000004595a
                """)
        ),
        (
            .zstd,
            WrittenResult.hexadecimal(
                """
                0063656c6572792d636f6d70726573736564006170706c69636174696f6e2f7a7374640028b52ffd20084100007b2261\
                223a20317d
                """)
        ),
    ]

    /// A reader needs no setting to read what is compressed.
    @Test(arguments: compressed)
    func compressedValues(_ method: CompressionMethod, _ bytes: [UInt8]) throws {
        guard method.isAvailable else { return }
        #expect(try decode(bytes, CeleryResultContent()) == ["a": 1])
        let again = try CeleryResultContent(compression: method.celeryMIMEType).encode(["a": 1], limits: .default)
        #expect(again.starts(with: [0] + Array("celery-compressed\u{0}\(method.celeryMIMEType)\u{0}".utf8)))
        #expect(try decode(again, CeleryResultContent()) == ["a": 1])
    }

    @Test func anUnknownCompressionIsRefused() {
        let content = CeleryResultContent(compression: "rar")
        let error = failure { () throws(CeleryWireError) in try content.encode(1, limits: .default) }
        #expect(error?.code == .unknownCompression && error?.field == "result_compression")
        #expect(error?.message == "there is no compression method \"rar\": \(CompressionMethod.inWords())")
    }

    /// As in Celery, a store's own form must be accepted too.
    @Test(arguments: WrittenResult.all)
    func refusesWhatIsNotAccepted(_ written: WrittenResult) {
        let content = CeleryResultContent(
            serializer: written.serializer, accept: Self.all.subtracting([written.serializer]))
        let error = failure { () throws(CeleryWireError) in try decode(written.bytes, content) }
        #expect(error?.code == .disallowedContentType)
        let advice = "add '\(written.serializer.rawValue)' to result_accept_content"
        #expect(error?.message.hasSuffix(advice) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [CelerySerializer.json, .msgpack, .yaml])
    func refusesPickles(_ serializer: CelerySerializer) {
        let content = CeleryResultContent(serializer: serializer, accept: Self.all)
        let error = failure { () throws(CeleryWireError) in try decode([0x80, 4, 0x4b, 5, 0x2e], content) }
        #expect(error?.code == .pickleRefused)
        let pickle = CeleryResultContent(serializer: .pickle, accept: Self.all.union([.pickle]))
        let written = failure { () throws(CeleryWireError) in try pickle.encode(1, limits: .default) }
        #expect(written?.code == .pickleRefused)
        let read = failure { () throws(CeleryWireError) in try decode([0x80, 4, 0x4b, 5, 0x2e], pickle) }
        #expect(read?.code == .pickleRefused)
    }

    /// Nothing in a store names the serializer, so the error says what the bytes look like.
    @Test(arguments: [
        (CelerySerializer.json, CelerySerializer.msgpack), (.json, .yaml), (.msgpack, .json), (.msgpack, .yaml),
        (.yaml, .msgpack),
    ])
    func namesTheOtherForm(_ own: CelerySerializer, _ other: CelerySerializer) throws {
        let bytes = try #require(WrittenResult.all.first { $0.serializer == other }).bytes
        let error = failure { () throws(CeleryWireError) in
            try decode(bytes, CeleryResultContent(serializer: own, accept: Self.all))
        }
        #expect(error?.code == .malformedResult)
        #expect(
            error?.message.contains("set result_serializer to '\(other.rawValue)'") == true,
            "\(error?.description ?? "")")
    }

    @Test(arguments: WrittenResult.all)
    func aReplyIsReadAsItSays(_ written: WrittenResult) throws {
        var message = WireMessage(
            properties: MessageProperties(contentType: written.serializer.contentType), body: written.bytes)
        for own in Self.all {
            let content = CeleryResultContent(serializer: own, accept: Self.all)
            let payload = content.payload(of: message)
            #expect((payload == message.body) == (own == written.serializer))
            let meta = try CeleryResultMeta.decode(payload, content: content, limits: .default)
            #expect(meta.sorted == written.meta.sorted)
        }
        let refusing = CeleryResultContent(accept: Self.all.subtracting([written.serializer]))
        let error = failure { () throws(CeleryWireError) in try decode(refusing.payload(of: message), refusing) }
        #expect(error?.code == .disallowedContentType)
        // Celery sends none, but reads one.
        message.headers["compression"] = "application/x-gzip"
        message.body = try CompressionMethod.zlib.compress(written.bytes)
        let content = CeleryResultContent(accept: Self.all)
        let meta = try CeleryResultMeta.decode(content.payload(of: message), content: content, limits: .default)
        #expect(meta.sorted == written.meta.sorted)
    }

    @Test(
        arguments: [
            ("application/x-python-serialize", nil, CeleryWireError.Code.pickleRefused),
            ("text/plain", nil, .disallowedContentType), ("a\u{0}b\u{0}c", nil, .disallowedContentType),
            ("application/json", "application/x-other", .unknownCompression),
            ("application/json", 5, .unknownCompression),
            ("application/json", "gzip", .undecodableBody),
        ] as [(String, WireValue?, CeleryWireError.Code)])
    func repliesThatAreRefused(_ contentType: String, _ compression: WireValue?, _ code: CeleryWireError.Code) {
        var message = WireMessage(
            properties: MessageProperties(contentType: contentType), body: Array(#"{"status": "SUCCESS"}"#.utf8))
        message.headers["compression"] = compression
        let content = CeleryResultContent(accept: Self.all)
        let error = failure { () throws(CeleryWireError) in try decode(content.payload(of: message), content) }
        #expect(error?.code == code)
    }
}
