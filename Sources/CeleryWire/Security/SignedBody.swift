import CeleriacWire

/// A body in Celery's serializer `auth`: another body with its form, and who signed it.
///
/// On the wire it is base64 of five fields with the bytes `00 01` between them: the signer and the signature, each in
/// base64 again, the content type, the content encoding, and the body, which may have these bytes itself.
package struct SignedBody: Sendable, Hashable {
    /// The signer's certificate: the values of its issuer's name and its serial number, with spaces between them.
    package var signer: String
    /// The signature of ``body``, and of nothing else.
    package var signature: [UInt8]
    /// The content type of ``body``.
    package var contentType: String
    /// The content encoding of ``body``.
    package var contentEncoding: String
    /// What was signed.
    package var body: [UInt8]

    /// Creates a body.
    package init(
        signer: String, signature: [UInt8], contentType: String, contentEncoding: String, body: [UInt8]
    ) {
        self.signer = signer
        self.signature = signature
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.body = body
    }

    /// The forms that a signed body may have. Python reads any, whatever it accepts else: who signs is trusted.
    package static let contentForms: Set<CelerySerializer> = [.json, .msgpack, .yaml]

    private static let separator: [UInt8] = [0, 1]

    /// Writes the body as Celery does.
    package func encode() -> [UInt8] {
        var fields: [UInt8] = Base64.encode(Array(signer.utf8))
        let signature: [UInt8] = Base64.encode(self.signature)
        for field in [signature, Array(contentType.utf8), Array(contentEncoding.utf8), body] {
            fields += Self.separator
            fields += field
        }
        return Base64.encode(fields)
    }

    /// Reads a body, whose signature is not verified yet.
    ///
    /// - Throws: `CeleryWireError.Code.undecodableBody`.
    package static func decode(_ bytes: [UInt8]) throws(CeleryWireError) -> SignedBody {
        let fields = split(try base64(bytes))
        guard fields.count == 5 else {
            throw CeleryWireError(
                .undecodableBody,
                "a signed body must have five fields: signer, signature, content type, content encoding and body",
                field: "body")
        }
        guard let signer = String(validating: try base64(Array(fields[0])), as: UTF8.self),
            let contentType = String(validating: fields[2], as: UTF8.self),
            let contentEncoding = String(validating: fields[3], as: UTF8.self)
        else {
            throw CeleryWireError(.undecodableBody, "a field of the signed body is not UTF-8", field: "body")
        }
        return SignedBody(
            signer: signer, signature: try base64(Array(fields[1])), contentType: contentType,
            contentEncoding: contentEncoding, body: Array(fields[4]))
    }

    private static func base64(_ bytes: [UInt8]) throws(CeleryWireError) -> [UInt8] {
        do throws(WireError) {
            return try Base64.decode(bytes)
        } catch {
            throw CeleryWireError(.undecodableBody, "the signed body", as: "base64", field: "body", cause: error)
        }
    }

    /// Splits at the first four separators.
    private static func split(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var fields: [ArraySlice<UInt8>] = []
        var start = 0
        var index = 0
        while fields.count < 4, index + 1 < bytes.count {
            if bytes[index] == separator[0], bytes[index + 1] == separator[1] {
                fields.append(bytes[start..<index])
                index += 2
                start = index
            } else {
                index += 1
            }
        }
        fields.append(bytes[start...])
        return fields
    }
}
