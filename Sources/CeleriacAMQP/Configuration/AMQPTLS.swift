#if AMQP

/// How a connection is encrypted and whom it trusts.
public struct AMQPTLS: Sendable, Hashable {
    /// What is checked of the broker's certificate.
    public enum Verification: Sendable, Hashable {
        /// Its chain of trust and that it names the host. The default.
        case full
        /// Its chain of trust only.
        case noHostname
        /// Nothing: anyone can pose as the broker.
        case none
    }

    /// PEM file of the certificate authorities to trust; `nil` trusts those of the system.
    public var caFile: String?
    /// PEM file of the client's certificate chain, leaf first.
    public var certificateFile: String?
    /// PEM file of the client's private key, unencrypted.
    public var keyFile: String?
    /// What is checked of the broker's certificate.
    public var verification: Verification
    /// The name that the broker's certificate must carry; `nil` takes the URL's host.
    public var serverName: String?

    /// Makes TLS settings; without arguments they trust the system's authorities and check everything.
    public init(
        caFile: String? = nil,
        certificateFile: String? = nil,
        keyFile: String? = nil,
        verification: Verification = .full,
        serverName: String? = nil
    ) {
        self.caFile = caFile
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.verification = verification
        self.serverName = serverName
    }
}

#endif
