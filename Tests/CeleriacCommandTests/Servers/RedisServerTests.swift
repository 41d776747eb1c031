import CeleriacTestKit
import Foundation
import Testing

@Suite(.timeLimit(.minutes(5))) struct RedisServerTests {
    @Test func answersAndLeavesNothingBehind() async throws {
        let server = try await RedisServer.start()
        let pid = try #require(server.pid)
        #expect(server.url == "redis://127.0.0.1:\(server.port)/0")
        #expect(server.tlsPort == nil)
        #expect(await Support.redis(server.port, "PING") == "+PONG")
        #expect(FileManager.default.fileExists(atPath: server.socketPath))

        await server.stop()
        #expect(server.pid == nil)
        #expect(!Support.isRunning(pid))
        #expect(await Support.redis(server.port, "PING") == nil)
        #expect(!FileManager.default.fileExists(atPath: server.log))
    }

    @Test func restartsOnTheSamePortWithItsData() async throws {
        let server = try await RedisServer.start()
        let first = try #require(server.pid)
        #expect(await Support.redis(server.port, "SET key 1") == "+OK")
        try await server.restart()
        #expect(server.pid != first)
        #expect(await Support.redis(server.port, "EXISTS key") == ":1")

        await server.kill()
        #expect(server.pid == nil)
        #expect(await Support.redis(server.port, "PING") == nil)
        try await server.restart()
        #expect(await Support.redis(server.port, "EXISTS key") == ":1")

        try await server.restart(keepData: false)
        #expect(await Support.redis(server.port, "EXISTS key") == ":0")
        await server.stop()
    }

    @Test func passwordIsAskedFor() async throws {
        let server = try await RedisServer.start(.init(password: "a \"b\\/"))
        #expect(await Support.redis(server.port, "PING")?.hasPrefix("-NOAUTH") == true)
        #expect(server.url.hasPrefix("redis://:a%20%22b%5C%2F@127.0.0.1:"))
        await server.stop()
    }

    @Test func releasedServerEnds() async throws {
        var server: RedisServer? = try await RedisServer.start()
        let pid = try #require(server?.pid)
        server = nil
        await until { !Support.isRunning(pid) }
    }

    @Test func failureShowsTheLog() async throws {
        await #expect {
            try await RedisServer.start(.init(configuration: ["no-such-setting yes"]))
        } throws: {
            let error = $0 as? TestKitError
            return error?.code == .startFailed && error?.message.contains("no-such-setting") == true
        }
    }

    @Test func portOfAnotherServerIsAFailure() async throws {
        let other = try await RedisServer.start()
        await #expect {
            try await RedisServer.start(.init(port: other.port))
        } throws: {
            ($0 as? TestKitError)?.code == .startFailed
        }
        #expect(await Support.redis(other.port, "PING") == "+PONG")
        await other.stop()
    }

    @Test func tlsListenerShowsTheCertificate() async throws {
        let certificates = try await TestCertificates.shared()
        let server = try await RedisServer.start(.init(tls: certificates.server, requireClientCertificate: true))
        let port = try #require(server.tlsPort)
        #expect(server.tlsURL == "rediss://localhost:\(port)/0")
        let client = certificates.client
        let arguments = [
            "s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", certificates.authorityPath, "-verify_return_error",
            "-verify_hostname", "localhost", "-cert", client.certificatePath, "-key", client.privateKeyPath,
        ]
        let openssl = try Program.find("openssl", install: "openssl")
        let printed = try await Program.run(openssl, arguments)
        #expect(printed.contains("Verify return code: 0 (ok)"))
        await server.stop()
    }

    @Test func sharedServerIsStartedOnce() async throws {
        async let first = SharedServers.shared.redisURL()
        async let second = SharedServers.shared.redisURL()
        #expect(try await first == second)
        async let third = SharedServers.shared.redisDatabaseURL()
        async let fourth = SharedServers.shared.redisDatabaseURL()
        #expect(try await third != fourth)
    }
}
