import Foundation

/// Certificates for testing TLS, made with the `openssl` command: an authority with a server, a wrong-host and a client
/// certificate, and a second authority that signed none of them.
///
/// Create them once for each process with ``shared()``. The files are removed when this process ends.
public struct TestCertificates: Sendable {
    /// A certificate with its key and the authority that signed it, as PEM files.
    public struct Identity: Sendable, Hashable {
        /// The path of the certificate.
        public let certificatePath: String
        /// The path of the certificate's private key, unencrypted.
        public let privateKeyPath: String
        /// The path of the certificate of the authority that signed this one.
        public let authorityPath: String
    }

    /// The certificate of the authority that signed all identities here.
    public let authorityPath: String
    /// The certificate of another authority: a client that trusts only this one must refuse ``server``.
    public let unknownAuthorityPath: String
    /// A server for `localhost` and 127.0.0.1.
    public let server: Identity
    /// A server for `elsewhere.invalid` only: a client that connects to localhost must refuse it.
    public let wrongHost: Identity
    /// A client named `celeriac-client`.
    public let client: Identity
    /// A client named `celeriac-renewed`.
    package let renewedClient: Identity
    /// A client whose certificate the other authority signed: a server that trusts only ``authorityPath`` must refuse it.
    package let unknownClient: Identity

    /// This process's certificates, created at the first call.
    ///
    /// - Throws: ``TestKitError``: `missingProgram` if openssl is not installed, `commandFailed` if it fails.
    public static func shared() async throws -> TestCertificates {
        try await once.value { try await make() }
    }

    private static let once = Once<TestCertificates>()

    private static func make() async throws -> TestCertificates {
        let openssl = try Program.find("openssl", install: "the package openssl")
        let folder = try TemporaryFolder("certificates").path
        // This uses its own configuration, since the system's may add extensions.
        let configuration = folder + "/openssl.cnf"
        try "[req]\ndistinguished_name = name\n[name]\n[authority]\nbasicConstraints = critical, CA:true\n"
            .appending("keyUsage = critical, keyCertSign, cRLSign\nsubjectKeyIdentifier = hash\n")
            .write(toFile: configuration, atomically: true, encoding: .utf8)
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-config", configuration]

        for (name, title) in [("authority", "Celeriac test authority"), ("unknown", "Unknown test authority")] {
            try await Program.run(
                openssl,
                ["req", "-x509", "-days", "2", "-subj", "/CN=\(title)", "-extensions", "authority"] + key
                    + ["-keyout", "\(folder)/\(name).key", "-out", "\(folder)/\(name).pem"])
        }
        func identity(
            _ name: String, commonName: String, by authority: String = "authority", _ extensions: String
        ) async throws -> Identity {
            let path = "\(folder)/\(name)"
            try extensions.appending("\nbasicConstraints = CA:false\nauthorityKeyIdentifier = keyid\n")
                .write(toFile: path + ".ext", atomically: true, encoding: .utf8)
            try await Program.run(
                openssl,
                ["req", "-new", "-subj", "/CN=\(commonName)"] + key + ["-keyout", path + ".key", "-out", path + ".csr"])
            try await Program.run(
                openssl,
                [
                    "x509", "-req", "-days", "2", "-in", path + ".csr", "-CA", "\(folder)/\(authority).pem", "-CAkey",
                    "\(folder)/\(authority).key",
                ]
                    + ["-CAcreateserial", "-extfile", path + ".ext", "-out", path + ".pem"])
            return Identity(
                certificatePath: path + ".pem", privateKeyPath: path + ".key",
                authorityPath: "\(folder)/\(authority).pem")
        }
        return TestCertificates(
            authorityPath: folder + "/authority.pem", unknownAuthorityPath: folder + "/unknown.pem",
            server: try await identity(
                "server", commonName: "localhost",
                "subjectAltName = DNS:localhost, IP:127.0.0.1\nextendedKeyUsage = serverAuth"),
            wrongHost: try await identity(
                "wrong-host", commonName: "elsewhere.invalid",
                "subjectAltName = DNS:elsewhere.invalid\nextendedKeyUsage = serverAuth"),
            client: try await identity(
                "client", commonName: "celeriac-client",
                "subjectAltName = DNS:celeriac-client\nextendedKeyUsage = clientAuth"),
            renewedClient: try await identity(
                "renewed", commonName: "celeriac-renewed", "extendedKeyUsage = clientAuth"),
            unknownClient: try await identity(
                "stranger", commonName: "celeriac-client", by: "unknown", "extendedKeyUsage = clientAuth"))
    }
}
