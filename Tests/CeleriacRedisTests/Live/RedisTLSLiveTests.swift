#if Redis
import CeleriacTestKit
import Foundation
import NIOCore
import Testing

@testable import CeleriacRedis

@Suite(.timeLimit(.minutes(5))) struct RedisTLSLiveTests {
    private func ping(
        _ port: Int?, _ query: String, host: String = "localhost", patience: Duration = .seconds(30)
    ) async throws -> RedisError.Code? {
        let port = try #require(port)
        var configuration = try RedisConfiguration(url: "rediss://\(host):\(port)/0?\(query)")
        configuration.connectTimeout = patience
        return await code { [configuration] in
            let connection = try await RedisConnection.connect(configuration, on: group.next(), logger: quiet)
            let replies = try await connection.send([
                RedisCommand("PING"), RedisCommand("ECHO", String(repeating: "x", count: 100_000)),
            ])
            #expect(replies == [.status("PONG"), .text(String(repeating: "x", count: 100_000))])
            await connection.close()
        }
    }

    @Test func checksTheServersCertificate() async throws {
        let certificates = try await TestCertificates.shared()
        let authority = "ssl_ca_certs=\(certificates.authorityPath)"
        try await withRedis(.init(tls: certificates.server, persistent: false)) { server async throws in
            #expect(try await ping(server.tlsPort, authority) == nil)
            #expect(try await ping(server.tlsPort, authority, host: "127.0.0.1") == nil)
            #expect(try await ping(server.tlsPort, "ssl_cert_reqs=required&" + authority) == nil)
            // The authorities are an unknown one, and the system's, which do not include ours.
            let unknown = "ssl_ca_certs=\(certificates.unknownAuthorityPath)"
            #expect(try await ping(server.tlsPort, unknown) == .tls)
            #expect(try await ping(server.tlsPort, unknown + "&ssl_check_hostname=false") == .tls)
            #expect(try await ping(server.tlsPort, "") == .tls)
            #expect(try await ping(server.tlsPort, "ssl_cert_reqs=none") == nil)
            #expect(try await ping(server.tlsPort, "ssl_ca_certs=/nowhere.pem") == .tls)
            // On a port without TLS, the server waits for the end of what it takes for a command.
            #expect(try await ping(server.port, authority, patience: .milliseconds(300)) == .timeout)
        }
    }

    @Test func checksTheHostName() async throws {
        let certificates = try await TestCertificates.shared()
        let authority = "ssl_ca_certs=\(certificates.authorityPath)"
        try await withRedis(.init(tls: certificates.wrongHost, persistent: false)) { server async throws in
            #expect(try await ping(server.tlsPort, authority) == .tls)
            #expect(try await ping(server.tlsPort, authority, host: "127.0.0.1") == .tls)
            #expect(try await ping(server.tlsPort, authority + "&ssl_check_hostname=false") == nil)
        }
    }

    @Test func showsAClientCertificate() async throws {
        let certificates = try await TestCertificates.shared()
        let authority = "ssl_ca_certs=\(certificates.authorityPath)"
        let client = certificates.client
        try await withRedis(
            .init(tls: certificates.server, requireClientCertificate: true, persistent: false)
        ) { server async throws in
            let shown = "ssl_certfile=\(client.certificatePath)&ssl_keyfile=\(client.privateKeyPath)"
            #expect(try await ping(server.tlsPort, "\(authority)&\(shown)") == nil)
            // The server reports this only after the handshake, and its reset may overtake the report.
            let refused = try await ping(server.tlsPort, authority)
            #expect(refused == .tls || refused == .connectFailed)
        }
    }

    @Test func readsTheFilesForEachConnection() async throws {
        let certificates = try await TestCertificates.shared()
        let folder = try TemporaryFolder("authority")
        let path = folder.path + "/ca.pem"
        try await withRedis(.init(tls: certificates.server, persistent: false)) { server async throws in
            let url = try #require(server.tlsURL)
            let configuration = try RedisConfiguration(url: "\(url)?ssl_ca_certs=\(path)")
            // The authority is renewed while the process runs.
            let steps: [(authority: String, outcome: RedisError.Code?)] = [
                (certificates.unknownAuthorityPath, .tls), (certificates.authorityPath, nil),
            ]
            for (authority, outcome) in steps {
                try String(contentsOfFile: authority, encoding: .utf8)
                    .write(toFile: path, atomically: true, encoding: .utf8)
                let refusal = await code {
                    let connection = try await RedisConnection.connect(configuration, on: group.next(), logger: quiet)
                    await connection.close()
                }
                #expect(refusal == outcome)
            }
        }
        folder.remove()
    }

    @Test func recoversFromTheDeathOfTheServer() async throws {
        let certificates = try await TestCertificates.shared()
        try await withRedis(.init(tls: certificates.server, persistent: false)) { server async throws in
            let url = try #require(server.tlsURL)
            let configuration = try RedisConfiguration(url: "\(url)?ssl_ca_certs=\(certificates.authorityPath)")
            try await withClient(configuration) { client async throws in
                try await client.send(RedisCommand("PING"))
                async let waiting = code { _ = try await client.send([RedisCommand("BLPOP", "q", 0)], timeout: nil) }
                let other = try await RedisConnection.connect(.init(server), on: group.next(), logger: quiet)
                while try await other.send(RedisCommand("INFO", "clients")).string?
                    .contains("blocked_clients:1") == false
                {}
                await server.kill()
                #expect(await waiting == .connectionLost)
                try await server.restart()
                #expect(try await client.send(RedisCommand("PING")) == .status("PONG"))
            }
        }
    }
}
#endif
