package import CeleriacWire

/// In what form results are written, and in what forms they are read: `result_serializer`, `result_compression`,
/// `result_accept_content`.
///
/// A value in a result store says whether it is compressed, but not which serializer wrote it, so the settings of whoever
/// reads it decide. An rpc reply says it.
package struct CeleryResultContent: Sendable, Hashable {
    /// The serializer that writes results, and that wrote what is in the result store.
    package var serializer: CelerySerializer
    /// How the values in the result store are compressed, by a name of kombu's; nil for not at all. What is read may be
    /// compressed in any way.
    package var compression: String?
    /// The serializers of results that are read. Celery refuses even its own if it is not among them.
    package var accept: Set<CelerySerializer>

    /// Creates a form. The default is Celery's.
    package init(
        serializer: CelerySerializer = .json, compression: String? = nil,
        accept: Set<CelerySerializer> = [.json]
    ) {
        self.serializer = serializer
        self.compression = compression
        self.accept = accept
    }
}

extension CeleryResultContent {
    /// Writes a value for the result store.
    ///
    /// - Throws: `CeleryWireError`: `unrepresentable`, `unknownCompression`, `pickleRefused`.
    package func encode(_ value: WireValue, limits: WireLimits) throws(CeleryWireError) -> [UInt8] {
        try StoredValue.encode(
            value, serializer: serializer, compression: compressionMethod(), nonFinite: .allow, limits: limits)
    }

    /// The compression method.
    ///
    /// - Throws: `CeleryWireError.Code.unknownCompression` for a name that kombu does not know.
    package func compressionMethod() throws(CeleryWireError) -> CompressionMethod? {
        guard let compression else { return nil }
        guard let method = CompressionMethod(celeryName: compression) else {
            throw .unknownCompression(compression, field: "result_compression")
        }
        return method
    }

    /// Reads a value of the result store, or what ``payload(of:)`` made of a reply.
    ///
    /// - Throws: `CeleryWireError`: `disallowedContentType`, `pickleRefused`, `unknownCompression`, `malformedResult`,
    ///   `undecodableBody`.
    package func decode(_ bytes: [UInt8], limits: WireLimits) throws(CeleryWireError) -> WireValue {
        if let reply = Reply(bytes) {
            let serializer = try accepted(reply.contentType)
            let compression = try CompressionMethod(header: .string(reply.compression))
            return try serializer.decodeBody(reply.body, compression: compression, limits: limits)
        }
        return try StoredValue.decode(bytes, serializer: accepted(serializer.contentType), limits: limits)
    }

    /// The bytes of a reply for ``decode(_:limits:)``: its body, after what it says of it unless that is what the
    /// settings say too.
    package func payload(of message: WireMessage) -> [UInt8] {
        let contentType = message.properties.contentType ?? serializer.contentType
        let compression = message.headers["compression"] ?? .null
        guard contentType != serializer.contentType || compression.isTruthy else { return message.body }
        // What is no text is the name of no method.
        let method = compression.isTruthy ? (compression.stringValue ?? "?") : ""
        return Reply(contentType: contentType, compression: method, body: message.body).bytes
    }

    private func accepted(_ contentType: String) throws(CeleryWireError) -> CelerySerializer {
        try CelerySerializer.accepted(contentType, in: accept, of: "result_accept_content")
    }
}

/// A reply with what it says of its body. Results travel through the runtime as bytes alone, so it is written in front.
private struct Reply {
    let contentType: String
    /// The compression method; empty for none.
    let compression: String
    let body: [UInt8]

    /// No serializer writes a value that begins with zero, as Celery found for its mark of compressed results.
    private static let mark: [UInt8] = [0] + "celeriac-reply".utf8 + [0]

    init(contentType: String, compression: String, body: [UInt8]) {
        self.contentType = contentType
        self.compression = compression
        self.body = body
    }

    init?(_ bytes: [UInt8]) {
        guard bytes.first == 0, bytes.starts(with: Self.mark) else { return nil }
        let parts = bytes.dropFirst(Self.mark.count).split(
            separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        contentType = String(decoding: parts[0], as: UTF8.self)
        compression = String(decoding: parts[1], as: UTF8.self)
        body = Array(parts[2])
    }

    var bytes: [UInt8] {
        var bytes = Self.mark
        bytes += contentType.utf8
        bytes.append(0)
        bytes += compression.utf8
        bytes.append(0)
        return bytes + body
    }
}
