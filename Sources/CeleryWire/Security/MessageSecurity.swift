package import CeleriacWire

/// Signs bodies, and verifies who signed them: what Celery's `setup_security` sets up.
package protocol MessageSecurity: Sendable {
    /// Signs a body that has a form already.
    ///
    /// - Throws: `CeleryWireError.Code.unrepresentable`.
    func sign(
        _ body: [UInt8], contentType: String, contentEncoding: String
    ) throws(CeleryWireError) -> SignedBody

    /// Verifies that one of the known signers has signed a body.
    ///
    /// - Throws: `CeleryWireError`: `unknownSigner`, `expiredCertificate`, `invalidSignature`.
    func verify(_ body: SignedBody) throws(CeleryWireError)
}

extension CelerySerializer {
    /// The form of the body: of what is inside for a signed one, which is JSON where it is made here.
    package var contentForm: CelerySerializer { self == .auth ? .json : self }

    /// Why an application without keys can neither read nor write signed bodies.
    package static var lackOfKeys: String {
        #if Signing
        "signed bodies need keys: set security_key, security_certificate and security_cert_store"
        #else
        "signed bodies need a build with the package trait Signing"
        #endif
    }
}

extension WireMessage {
    /// Whether the body is signed.
    package var isSigned: Bool { properties.contentType == CelerySerializer.auth.contentType }

    /// The message inside a signed one, once its signature is verified.
    ///
    /// Only the body is signed, as in Celery: whoever can write to the queue can change the headers.
    ///
    /// - Parameters:
    ///   - security: What verifies signatures; nil if there are no keys.
    ///   - accept: The serializers to accept, of which `auth` must be one.
    ///   - limits: The limits for a compressed body.
    /// - Returns: The message inside, with the same headers but that of the compression.
    /// - Throws: `CeleryWireError`: `disallowedContentType`, `unknownCompression`, `undecodableBody`, and what
    ///   ``MessageSecurity/verify(_:)`` throws.
    package func opened(
        by security: (any MessageSecurity)?, accept: Set<CelerySerializer>, limits: WireLimits
    ) throws(CeleryWireError) -> WireMessage {
        _ = try CelerySerializer.accepted(properties.contentType, in: accept)
        guard let security else {
            throw CeleryWireError(.disallowedContentType, CelerySerializer.lackOfKeys, field: "content_type")
        }
        var inner = self
        if let compression = try CompressionMethod(header: headers["compression"]) {
            inner.body = try compression.decompressBody(body, limits: limits)
            inner.headers.removeValue(forKey: "compression")
        }
        let signed = try SignedBody.decode(inner.body)
        try security.verify(signed)
        inner.body = signed.body
        inner.properties.contentType = signed.contentType
        inner.properties.contentEncoding = signed.contentEncoding
        return inner
    }

    /// The message with its body signed.
    ///
    /// - Parameter security: What signs; nil if there are no keys.
    /// - Returns: The signed message.
    /// - Throws: `CeleryWireError.Code.unrepresentable`.
    package func signed(by security: (any MessageSecurity)?) throws(CeleryWireError) -> WireMessage {
        guard let security else { throw CeleryWireError(.unrepresentable, CelerySerializer.lackOfKeys) }
        var outer = self
        outer.body = try security.sign(
            body, contentType: properties.contentType ?? CelerySerializer.json.contentType,
            contentEncoding: properties.contentEncoding ?? CelerySerializer.json.contentEncoding
        ).encode()
        outer.properties.contentType = CelerySerializer.auth.contentType
        outer.properties.contentEncoding = CelerySerializer.auth.contentEncoding
        return outer
    }
}

extension CeleryWireError {
    /// A signer without a certificate here. The name is the message's.
    package static func unknownSigner(_ name: String) -> CeleryWireError {
        CeleryWireError(
            .unknownSigner,
            "no certificate in security_cert_store is the signer's: \(CelerySerializer.excerpt(name))", field: "body")
    }

    /// A signer whose certificate is not valid any more.
    package static func expiredCertificate(of name: String) -> CeleryWireError {
        CeleryWireError(
            .expiredCertificate,
            "the signer's certificate has expired: \(CelerySerializer.excerpt(name))", field: "body")
    }

    /// A body that its signer has not signed like this.
    package static func invalidSignature(of name: String, digest: String) -> CeleryWireError {
        CeleryWireError(
            .invalidSignature,
            "the signature is not that of \(CelerySerializer.excerpt(name)) for this body with \(digest): the body was "
                + "changed, or the signer has another key or security_digest",
            field: "body")
    }
}
