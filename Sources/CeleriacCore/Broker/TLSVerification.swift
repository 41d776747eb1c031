/// How the certificate of a server is verified, on every transport.
package enum TLSVerification: Sendable, Hashable {
    /// A trusted authority must have issued it, and it must name the host. This is the default.
    case full
    /// A trusted authority must have issued it, whatever host it names.
    case noHostname
    /// It is not verified: the connection is encrypted, but anyone can pose as the server.
    case none
}
