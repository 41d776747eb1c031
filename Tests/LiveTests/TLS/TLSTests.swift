import Celeriac
import CeleriacTestKit
import Foundation
import Logging
import Testing

/// Tasks and results through encrypted connections, and what is refused there.
@Suite("TLS", .serialized)
struct TLSTests {
    /// What a client has to show and to believe.
    private struct Identity {
        var authority: String
        var client: TestCertificates.Identity?

        /// As a URL's query.
        var query: String {
            var query = "?ssl_ca_certs=\(authority)"
            if let client { query += "&ssl_certfile=\(client.certificatePath)&ssl_keyfile=\(client.privateKeyPath)" }
            return query
        }
    }

    #if Redis
    @Test("rediss://", .timeLimit(.minutes(2))) func redis() async throws {
        let certificates = try await TestCertificates.shared()
        let server = try await RedisServer.start(.init(tls: certificates.server, requireClientCertificate: true))
        let url = try #require(server.tlsURL)
        try await exchanges(broker: url, results: url, certificates)
        try await exchangesOfMachinery(url, certificates)
        try await refuses(broker: url, results: url, Identity(authority: certificates.authorityPath))
        try await refuses(
            broker: url, results: url,
            Identity(authority: certificates.unknownAuthorityPath, client: certificates.client))
        await server.stop()
        let impostor = try await RedisServer.start(.init(tls: certificates.wrongHost))
        let other = try #require(impostor.tlsURL)
        try await refuses(broker: other, results: other, Identity(authority: certificates.authorityPath))
        await impostor.stop()
    }
    #endif

    #if AMQP
    @Test("amqps://", .timeLimit(.minutes(3))) func rabbitMQ() async throws {
        let certificates = try await TestCertificates.shared()
        let server = try await RabbitMQServer.start(.init(tls: certificates.server, requireClientCertificate: true))
        let url = try #require(server.tlsURL)
        try await exchanges(broker: url, results: "rpc://", certificates)
        try await exchangesOfMachinery(url, certificates)
        try await refuses(broker: url, results: "rpc://", Identity(authority: certificates.authorityPath))
        try await refuses(
            broker: url, results: "rpc://",
            Identity(authority: certificates.unknownAuthorityPath, client: certificates.client))
        await server.stop()
        let impostor = try await RabbitMQServer.start(.init(tls: certificates.wrongHost))
        try await refuses(
            broker: try #require(impostor.tlsURL), results: "rpc://", Identity(authority: certificates.authorityPath))
        await impostor.stop()
    }
    #endif

    private static var logger: Logger {
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        return logger
    }

    private func app(broker: String, results: String, _ identity: Identity) throws -> CeleryApp {
        try CeleryApp(
            broker: broker + identity.query, results: results == "rpc://" ? results : results + identity.query,
            logger: Self.logger)
    }

    private func machinery(_ url: String, _ identity: Identity) throws -> MachineryServer {
        let url = url + identity.query
        return try MachineryServer(
            configuration: MachineryConfiguration(broker: url, resultBackend: url), logger: Self.logger)
    }

    /// A known authority, the right host and a client certificate: tasks and results pass, to Swift and to Python.
    private func exchanges(broker: String, results: String, _ certificates: TestCertificates) async throws {
        let app = try app(
            broker: broker, results: results,
            Identity(authority: certificates.authorityPath, client: certificates.client))
        let worker = app.worker { MatrixTasks.handlers }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            #expect(try await app.send(MatrixTasks.add(2, 3)).get(timeout: .seconds(30)) == 5)
            worker.stop()
            try await group.waitForAll()
        }
        let tls: WireValue = [
            "ssl_ca_certs": .string(certificates.authorityPath),
            "ssl_certfile": .string(certificates.client.certificatePath),
            "ssl_keyfile": .string(certificates.client.privateKeyPath), "ssl_cert_reqs": "CERT_REQUIRED",
        ]
        let amqpTLS: WireValue = [
            "ca_certs": .string(certificates.authorityPath),
            "certfile": .string(certificates.client.certificatePath),
            "keyfile": .string(certificates.client.privateKeyPath), "cert_reqs": "CERT_REQUIRED",
        ]
        let isAMQP = results == "rpc://"
        let python = PythonPeer(
            broker: broker, results: results,
            settings: isAMQP
                ? ["broker_use_ssl": amqpTLS] : ["broker_use_ssl": tls, "redis_backend_use_ssl": tls])
        let pythonWorker = try await python.startWorker()
        #expect(try await app.send(MatrixTasks.add(4, 5)).get(timeout: .seconds(30)) == 9)
        await pythonWorker.stop()
        await app.close()
    }

    /// The same for Machinery, broker and results at one server.
    private func exchangesOfMachinery(_ url: String, _ certificates: TestCertificates) async throws {
        let server = try machinery(
            url, Identity(authority: certificates.authorityPath, client: certificates.client))
        server.register { MatrixTasks.handlers }
        let worker = server.makeWorker(consumerTag: "tls", concurrency: 2)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            #expect(try await server.send(TaskName<Int, Int, Int>("tasks.add")(2, 3)).get(timeout: .seconds(30)) == 5)
            worker.stop()
            try await group.waitForAll()
        }
        await server.close()
    }

    /// Sending fails with a typed error, in both dialects, and nothing of the task has left.
    private func refuses(broker: String, results: String, _ identity: Identity) async throws {
        let app = try app(broker: broker, results: results, identity)
        let server = try machinery(broker, identity)
        for sender: any TaskSender in [app, server] {
            await #expect {
                try await sender.send(TaskName<Int, Int, Int>("tasks.add")(2, 3))
            } throws: { error in
                ((error as? CeleriacError)?.code).map {
                    [.unavailable, .publishFailed, .configuration, .resultStore].contains($0)
                }
                    ?? false
            }
        }
        await app.close()
        await server.close()
    }
}
