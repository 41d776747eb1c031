import CeleriacWire
import CeleryWire
import Testing

/// Signed bodies and the messages around them, with signatures that only say whether they are right.
@Suite("Signed bodies") struct SignedBodyTests {
    /// Keys whose signature is always the same.
    private struct Stamp: MessageSecurity {
        var signature: [UInt8] = [1, 0, 1, 255]

        func sign(
            _ body: [UInt8], contentType: String, contentEncoding: String
        ) throws(CeleryWireError) -> SignedBody {
            SignedBody(
                signer: "a 1", signature: signature, contentType: contentType, contentEncoding: contentEncoding,
                body: body)
        }

        func verify(_ body: SignedBody) throws(CeleryWireError) {
            guard body.signature == signature else { throw .invalidSignature(of: body.signer, digest: "sha256") }
        }
    }

    /// Base64 of fields with the separator between them.
    private func wire(_ fields: [[UInt8]]) -> [UInt8] {
        let joined: [UInt8] = Array(fields.joined(separator: [0, 1]))
        return Base64.encode(joined)
    }

    private func message(
        _ compression: CompressionMethod? = nil, protocolVersion: Int = 2
    ) throws -> WireMessage {
        var task = CeleryTaskMessage(task: "t", id: "1", args: [2, 3])
        task.serializer = .auth
        task.compression = compression
        return try task.encode(
            protocolVersion: protocolVersion, nonFinite: .refuse, security: Stamp(), limits: .default)
    }

    @Test("have five fields with 00 01 between them, of which the last may have these bytes itself")
    func fields() throws {
        let body = SignedBody(
            signer: "a 1", signature: [1, 0, 1, 255], contentType: "application/x-msgpack", contentEncoding: "binary",
            body: [0, 1, 2, 0, 1])
        let bytes = wire([
            Array("YSAx".utf8), Array("AQAB/w==".utf8), Array("application/x-msgpack".utf8), Array("binary".utf8),
            [0, 1, 2, 0, 1],
        ])
        #expect(body.encode() == bytes)
        #expect(try SignedBody.decode(bytes) == body)
    }

    @Test("that are something else are refused")
    func malformed() {
        let fields = [Array("YSAx".utf8), Array("AQAB".utf8), Array("a/b".utf8), Array("binary".utf8)]
        var bodies: [[UInt8]] = [[], Array("!".utf8), wire([]), wire(fields), wire([fields[0]])]
        for (index, wrong) in [(0, "!"), (1, "YQ"), (0, "/w==")] {
            var changed = fields + [[1]]
            changed[index] = Array(wrong.utf8)
            bodies.append(wire(changed))
        }
        bodies.append(wire([fields[0], fields[1], [0xff], fields[3], [1]]))
        for body in bodies {
            #expect(failure { () throws(CeleryWireError) in try SignedBody.decode(body) }?.code == .undecodableBody)
        }
    }

    @Test("carry a task of either protocol, and are compressed after they are signed", arguments: [1, 2])
    func tasks(_ version: Int) throws {
        for compression in [nil, CompressionMethod.zlib] {
            let message = try message(compression, protocolVersion: version)
            #expect(message.isSigned && message.properties.contentEncoding == "utf-8")
            #expect(message.headers["compression"]?.stringValue == compression?.celeryMIMEType)
            let inner = try message.opened(by: Stamp(), accept: [.auth], limits: .default)
            #expect(inner.properties.contentType == "application/json" && inner.headers["compression"] == nil)
            let task = try CeleryTaskMessage.decode(
                message, accept: [.auth], security: Stamp(), limits: .default)
            #expect(task.args == [2, 3] && task.id == "1" && task.protocolVersion == version)
            // What the worker makes of it is signed and compressed again.
            #expect(task.serializer == .auth && task.compression == compression)
        }
    }

    @Test("are refused by the true reason, and nothing is read of a body that is not verified")
    func refused() throws {
        let message = try message()
        func code(_ accept: Set<CelerySerializer>, _ security: (any MessageSecurity)?) -> CeleryWireError.Code? {
            failure { () throws(CeleryWireError) in
                try CeleryTaskMessage.decode(message, accept: accept, security: security, limits: .default)
            }?.code
        }
        let other = Stamp(signature: [8])
        #expect(code([.json, .msgpack], Stamp()) == .disallowedContentType)
        #expect(code([.auth], nil) == .disallowedContentType)
        #expect(code([.auth], other) == .invalidSignature)
        #expect(code([.auth], Stamp()) == nil)
        let unknown = CeleryTaskMessage.remains(of: message, accept: [.auth], security: other, limits: .default)
        #expect(unknown?.task.id == "1" && unknown?.task.args.isEmpty == true)
        #expect(unknown?.lacksBody == true && unknown?.isForeign == true)
        let known = CeleryTaskMessage.remains(of: message, accept: [.auth], security: Stamp(), limits: .default)
        #expect(known?.task.args == [2, 3] && known?.lacksBody == false)
    }

    @Test("are the only ones where nothing else is accepted, and may be in any form inside")
    func inside() throws {
        let plain = try CeleryTaskMessage(task: "t", id: "1").encode()
        let error = failure { () throws(CeleryWireError) in
            try CeleryTaskMessage.decode(plain, accept: [.auth], security: Stamp(), limits: .default)
        }
        #expect(error?.code == .disallowedContentType && error?.message.contains("add 'json'") == true)
        for form in [CelerySerializer.msgpack, .yaml] {
            let signed = try CeleryTaskMessage(task: "t", id: "1", args: [5], serializer: form).encode()
                .signed(by: Stamp())
            let task = try CeleryTaskMessage.decode(signed, accept: [.auth], security: Stamp(), limits: .default)
            #expect(task.args == [5])
        }
    }

    @Test("are neither read nor written without keys")
    func withoutKeys() throws {
        var task = CeleryTaskMessage(task: "t", id: "1")
        task.serializer = .auth
        let reason = CelerySerializer.lackOfKeys
        #expect(failure { () throws(CeleryWireError) in try task.encode() }?.message.contains(reason) == true)
        let meta = CeleryResultMeta(status: "SUCCESS", taskID: "1")
        let result = failure { () throws(CeleryWireError) in try meta.encode(serializer: .auth) }
        #expect(result?.code == .unrepresentable && result?.message.contains(reason) == true)
        let message = try message()
        let read = failure { () throws(CeleryWireError) in try CeleryTaskMessage.decode(message, accept: [.auth]) }
        #expect(read?.code == .disallowedContentType && read?.message.contains(reason) == true)
    }
}
