#if Redis
internal import NIOSSL

/// How a connection to Redis is encrypted: `rediss://`.
package struct RedisTLS: Sendable, Hashable {
    /// What is checked of the server's certificate.
    package enum Verification: Sendable, Hashable {
        /// It must come from a trusted authority and name the host that was asked for.
        case full
        /// It must come from a trusted authority, whatever host it names.
        case noHostname
        /// Nothing: encryption without knowing to whom.
        case none
    }

    /// A PEM file with the authorities that are trusted; `nil` for those of the system.
    package var caFile: String?
    /// A PEM file with the client's certificate chain, for servers that ask for one.
    package var certificateFile: String?
    /// A PEM file with the key of ``certificateFile``; `nil` where that file holds the key too.
    package var keyFile: String?
    /// What is checked of the server's certificate.
    package var verification: Verification

    /// Creates a description of the encryption. The files are read at each connect, so that renewed certificates are
    /// taken up.
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
    /// Reads the certificate files. It blocks, so it does not belong on an event loop.
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
