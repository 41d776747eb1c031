public import CeleriacCore
package import CeleryWire
package import FoundationEssentials

/// The keys of an application that signs its messages and verifies those of others: what Celery's `setup_security` sets
/// up. It needs the package trait `Signing`.
///
/// Only bodies are signed, as in Celery: the headers of a message, which say the task's name, id and times, are not, so a
/// signature does not tell that its message was meant for this task.
public struct CelerySecurity: Sendable {
    #if Signing
    private let key: SigningKey
    private let certificate: SigningCertificate
    private let store: CertificateStore
    private let digest: SigningDigest
    private let now: @Sendable () -> Date
    #endif

    /// Reads keys and certificates, all in PEM, from files.
    ///
    /// - Parameters:
    ///   - key: the file of the private RSA key: `security_key`.
    ///   - keyPassword: the password of the private key; nil for none: `security_key_password`. It is not kept.
    ///   - certificate: the file of the certificate for that key: `security_certificate`.
    ///   - certificateStore: a folder, or a pattern such as `/etc/certificates/*.pem`, of the certificates of all whose
    ///     messages are trusted: `security_cert_store`. It is read once.
    ///   - digest: the digest of signatures: `security_digest`. All members need the same one.
    /// - Throws: ``CeleriacError`` with code `configuration` if a file cannot be read or used, if a certificate has
    ///   expired, or in a build without the package trait `Signing`.
    public init(
        key: String, keyPassword: String? = nil, certificate: String, certificateStore: String,
        digest: String = "sha256"
    ) throws(CeleriacError) {
        try self.init(
            key: key, keyPassword: keyPassword, certificate: certificate, certificateStore: certificateStore,
            digest: digest, now: { Date() })
    }

    /// Reads keys and certificates, with a clock of the caller's.
    package init(
        key: String, keyPassword: String? = nil, certificate: String, certificateStore: String,
        digest: String = "sha256", now: @escaping @Sendable () -> Date
    ) throws(CeleriacError) {
        #if Signing
        guard let known = SigningDigest(rawValue: digest.lowercased()) else {
            let names = SigningDigest.allCases.map(\.rawValue).sorted().joined(separator: ", ")
            throw CeleriacError(.configuration, "security_digest must be one of \(names)")
        }
        // The reason stays away from the content: it may be anybody's who mistook one file for another.
        guard let own = SigningKey.reading(pem: try Self.content(of: key), password: keyPassword) else {
            throw CeleriacError(
                .configuration,
                "\(key) is not a private RSA key in PEM, or security_key_password is not its password")
        }
        let parsed = try SigningCertificate(pem: try Self.content(of: certificate), place: certificate)
        guard own.belongs(to: parsed.key) else {
            throw CeleriacError(.configuration, "the private key \(key) is not that of the certificate \(certificate)")
        }
        self.key = own
        self.certificate = parsed
        self.store = try CertificateStore(path: certificateStore, now: now())
        self.digest = known
        self.now = now
        #else
        throw CeleriacError(.configuration, CelerySerializer.lackOfKeys)
        #endif
    }

    #if Signing
    /// The content of a file.
    static func content(of path: String) throws(CeleriacError) -> [UInt8] {
        guard let content = FileManager.default.contents(atPath: path) else {
            throw CeleriacError(.configuration, "\(path) cannot be read")
        }
        return Array(content)
    }
    #endif
}

extension CelerySecurity: MessageSecurity {
    package func sign(
        _ body: [UInt8], contentType: String, contentEncoding: String
    ) throws(CeleryWireError) -> SignedBody {
        #if Signing
        guard let signature = key.signature(of: body, digest: digest) else {
            throw CeleryWireError(
                .unrepresentable, "the body cannot be signed: the private key is too short for \(digest.rawValue)")
        }
        return SignedBody(
            signer: certificate.id, signature: signature, contentType: contentType, contentEncoding: contentEncoding,
            body: body)
        #else
        throw CeleryWireError(.unrepresentable, CelerySerializer.lackOfKeys)
        #endif
    }

    package func verify(_ body: SignedBody) throws(CeleryWireError) {
        #if Signing
        guard let signer = store[body.signer] else { throw .unknownSigner(body.signer) }
        guard !signer.hasExpired(at: now()) else { throw .expiredCertificate(of: signer.id) }
        guard signer.key.verifies(body.signature, of: body.body, digest: digest) else {
            throw .invalidSignature(of: signer.id, digest: digest.rawValue)
        }
        #else
        throw CeleryWireError(.disallowedContentType, CelerySerializer.lackOfKeys)
        #endif
    }
}
