#if Redis
package import CeleriacCore
internal import NIOSSL

/// The encryption of a connection to Redis: `rediss://`.
package struct RedisTLS: Sendable, Hashable {
    /// A PEM file with the trusted authorities; `nil` for the system's.
    package var caFile: String?
    /// A PEM file with the client's certificate chain, for servers that require one.
    package var certificateFile: String?
    /// A PEM file with the key of ``certificateFile``; `nil` if that file also holds the key.
    package var keyFile: String?
    /// How the server's certificate is verified.
    package var verification: TLSVerification

    /// Creates encryption settings. The files are read for each connection, so that renewed certificates take effect.
    package init(
        caFile: String? = nil, certificateFile: String? = nil, keyFile: String? = nil,
        verification: TLSVerification = .full
    ) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.verification = verification
    }
}

extension RedisTLS {
    /// Reads the parameters that redis-py takes: `ssl_cert_reqs=required|optional|none`, `ssl_ca_certs`, `ssl_certfile`,
    /// `ssl_keyfile` and `ssl_check_hostname=true|false`. Others are ignored.
    ///
    /// - Throws: `invalidURL`.
    package init(parameters: [String: String]) throws(RedisError) {
        self.init(
            caFile: parameters["ssl_ca_certs"], certificateFile: parameters["ssl_certfile"],
            keyFile: parameters["ssl_keyfile"])
        switch parameters["ssl_check_hostname"]?.lowercased() {
        case nil, "true", "1", "yes": break
        case "false", "0", "no": verification = .noHostname
        default: throw RedisConfiguration.invalid("ssl_check_hostname must be true or false.")
        }
        switch parameters["ssl_cert_reqs"]?.lowercased() {
        case nil, "required", "optional", "cert_required", "cert_optional": break
        case "none", "cert_none": verification = .none
        default: throw RedisConfiguration.invalid("ssl_cert_reqs must be required, optional or none.")
        }
    }

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
