#if Redis
internal import NIOSSL

extension RedisTLS {
    /// Reads the certificate files. It blocks, so it does not belong on an event loop.
    func makeContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        if let authorityFile {
            configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authorityFile))
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
