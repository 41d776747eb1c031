import CeleriacTestKit
import Foundation
import Testing

@Suite(.serialized, .timeLimit(.minutes(5))) struct RabbitMQServerTests {
    @Test func answersRestartsAndLeavesNothingBehind() async throws {
        let certificates = try await TestCertificates.shared()
        let server = try await RabbitMQServer.start(.init(tls: certificates.server))
        let first = try #require(server.pid)
        #expect(server.url == "amqp://guest:guest@127.0.0.1:\(server.port)//")
        try await server.rabbitmqctl("add_vhost", "kept")

        try await server.restart()
        let second = try #require(server.pid)
        #expect(second != first)
        #expect(!Support.isRunning(first))
        #expect(try await server.rabbitmqctl("list_vhosts", "--no-table-headers").contains("kept"))

        await server.kill()
        #expect(server.pid == nil)
        try await server.restart()
        let third = try #require(server.pid)
        #expect(try await server.rabbitmqctl("list_vhosts", "--no-table-headers").contains("kept"))

        let port = try #require(server.tlsPort)
        let arguments = [
            "s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", certificates.authorityPath, "-verify_return_error",
            "-verify_hostname", "localhost",
        ]
        let openssl = try Program.find("openssl", install: "openssl")
        #expect(try await Program.run(openssl, arguments).contains("Verify return code: 0 (ok)"))

        await server.stop()
        #expect(!Support.isRunning(third))
        #expect(!Support.isRunning(server.epmdPID))
        #expect(!FileManager.default.fileExists(atPath: server.log))
        let folder = URL(fileURLWithPath: server.log).deletingLastPathComponent().path
        try await until {
            try Self.processes(mentioning: folder).isEmpty
        }
    }

    @Test func failureShowsTheLog() async throws {
        await #expect {
            try await RabbitMQServer.start(.init(configuration: ["no_such_setting = 3"]))
        } throws: {
            let error = $0 as? TestKitError
            return error?.code == .startFailed && error?.message.contains("no_such_setting") == true
        }
    }

    @Test func portOfAnotherBrokerIsAFailure() async throws {
        let other = try await RabbitMQServer.start()
        await #expect {
            try await RabbitMQServer.start(.init(port: other.port))
        } throws: {
            ($0 as? TestKitError)?.code == .startFailed
        }
        #expect(other.pid != nil)
        await other.stop()
    }

    @Test func sharedBrokerHasVirtualHosts() async throws {
        let first = try await SharedServers.shared.rabbitMQVirtualHostURL()
        let second = try await SharedServers.shared.rabbitMQVirtualHostURL()
        #expect(first.hasPrefix("amqp://") && second.hasPrefix("amqp://"))
        if ProcessInfo.processInfo.environment["CELERIAC_TEST_AMQP_URL"] == nil { #expect(first != second) }
    }

    /// The processes whose environment contains a text, not counting zombies.
    private static func processes(mentioning text: String) throws -> [Int32] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter { pid in
            let environment = FileManager.default.contents(atPath: "/proc/\(pid)/environ") ?? Data()
            return environment.range(of: Data(text.utf8)) != nil && Support.isRunning(pid)
        }
    }
}
