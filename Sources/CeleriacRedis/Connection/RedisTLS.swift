#if Redis
internal import NIOSSL

/// The encryption of a connection to Redis: `rediss://`.
package struct RedisTLS: Sendable, Hashable {
    /// How the server's certificate is verified.
    package enum Verification: Sendable, Hashable {
        /// A trusted authority must have issued the certificate, and it must name the requested host.
        case full
        /// A trusted authority must have issued the certificate, whatever host it names.
        case noHostname
        /// The certificate is not verified: the connection is encrypted, but the peer is unknown.
        case none
    }

    /// A PEM file with the trusted authorities; `nil` for the system's.
    package var caFile: String?
    /// A PEM file with the client's certificate chain, for servers that require one.
    package var certificateFile: String?
    /// A PEM file with the key of ``certificateFile``; `nil` if that file also holds the key.
    package var keyFile: String?
    /// How the server's certificate is verified.
    package var verification: Verification

    /// Creates encryption settings. The files are read for each connection, so that renewed certificates take effect.
    package init(
        caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil,
        verification: Verification = .full
    ) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.verification = verification
    }
}

extension RedisTLS {
    /// Reads the certificate files. It blocks, so it must not run on an event loop.
    func makeContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let caFile {
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(caFile))
        }
        if let certificateFile {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(certificateFile)
                .map { .certificate($0) }
            configuration.privateKey = .privateKey(
                try NIOSSLPrivateKey(file: keyFile ?? certificateFile, format: .pem))
        }
        configuration.certificateVerification =
            switch verification {
            case .full: .fullVerification
            case .noHostname: .noHostnameVerification
            case .none: .none
            }
        return try NIOSSLContext(configuration: configuration)
    }
}
#endif
