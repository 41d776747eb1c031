import CeleriacTestKit
import Testing

@Suite struct TestCertificatesTests {
    @Test func eachIsGoodForWhatItsNameSays() async throws {
        let certificates = try await TestCertificates.shared()
        let openssl = try Program.find("openssl", install: "openssl")
        func verify(_ identity: TestCertificates.Identity, _ arguments: String...) async throws {
            try await Program.run(openssl, ["verify"] + arguments + [identity.certificatePath])
        }
        let trusted = certificates.authorityPath
        try await verify(
            certificates.server, "-CAfile", trusted, "-purpose", "sslserver", "-verify_hostname", "localhost")
        try await verify(certificates.server, "-CAfile", trusted, "-verify_ip", "127.0.0.1")
        try await verify(certificates.client, "-CAfile", trusted, "-purpose", "sslclient")
        try await verify(certificates.wrongHost, "-CAfile", trusted, "-purpose", "sslserver")
        await #expect(throws: TestKitError.self) {
            try await verify(certificates.wrongHost, "-CAfile", trusted, "-verify_hostname", "localhost")
        }
        await #expect(throws: TestKitError.self) {
            try await verify(certificates.server, "-CAfile", certificates.unknownAuthorityPath)
        }
        #expect(try await TestCertificates.shared().authorityPath == trusted)
    }
}
