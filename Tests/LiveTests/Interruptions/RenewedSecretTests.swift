import Celeriac
import CeleriacTestKit
import Foundation
import Logging
import Testing

#if Redis
import CeleriacRedis
#endif

/// Passwords and certificates that are replaced on disk while a worker runs, which it reads when it connects again.
@Suite("Renewed secrets", .serialized, .timeLimit(.minutes(5)))
struct RenewedSecretTests {
    /// The files of a client that logs in as `app`.
    private struct Secrets {
        private let folder: TemporaryFolder

        init(_ identity: TestCertificates.Identity, password: String) throws {
            folder = try TemporaryFolder("secrets")
            try replace(with: identity, password: password)
        }

        func replace(with identity: TestCertificates.Identity, password: String) throws {
            for (source, name) in [(identity.certificatePath, "client.pem"), (identity.privateKeyPath, "client.key")] {
                try write(Data(contentsOf: URL(filePath: source)), name)
            }
            try write(Data("\(password)\n".utf8), "password")
        }

        /// The address of a server on this machine.
        func url(_ scheme: String, port: Int, authority: String) -> String {
            "\(scheme)://app@localhost:\(port)/?password_file=\(folder.path)/password&ssl_ca_certs=\(authority)"
                + "&ssl_certfile=\(folder.path)/client.pem&ssl_keyfile=\(folder.path)/client.key"
        }

        func remove() { folder.remove() }

        private func write(_ data: Data, _ name: String) throws {
            try data.write(to: URL(filePath: "\(folder.path)/\(name)"), options: .atomic)
        }
    }

    private static var logger: Logger {
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        return logger
    }

    /// Runs a worker at `url` and a client at `plain`, and has a task run before and after `renew`, which must break the
    /// worker's connections.
    private func runs(
        at url: String, from plain: String, results: String?, renew: () async throws -> Void,
        check: () async throws -> Void
    ) async throws {
        let app = try CeleryApp(broker: url, results: results ?? url, logger: Self.logger)
        let client = try CeleryApp(broker: plain, results: results ?? plain, logger: Self.logger)
        try await withRunning(app.worker(queues: ["celery"], concurrency: 1) { MatrixTasks.handlers }) {
            let before = try await client.send(MatrixTasks.add(2, 3)).get(timeout: .seconds(60))
            #expect(before == 5)
            try await renew()
            let after = try await client.send(MatrixTasks.add(4, 5)).get(timeout: .seconds(120))
            #expect(after == 9)
            try await check()
        }
        await client.close()
        await app.close()
    }

    #if Redis
    @Test("Redis takes only the new password and the new certificate, and a running worker goes on")
    func redis() async throws {
        let certificates = try await TestCertificates.shared()
        let server = try await RedisServer.start(.init(tls: certificates.server, requireClientCertificate: true))
        let port = try #require(server.tlsPort)
        let admin = try await RedisConnection.connect(
            try RedisConfiguration(url: server.url), on: sharedEventLoop(), logger: Self.logger)
        func change(password: String) async throws {
            let command = RedisCommand("ACL", "SETUSER", "app", "on", "resetpass", ">" + password, "~*", "&*", "+@all")
            #expect(try await admin.send(command).string == "OK")
        }
        try await change(password: "first")
        let secrets = try Secrets(certificates.client, password: "first")
        let url = secrets.url("rediss", port: port, authority: certificates.authorityPath)
        try await runs(at: url, from: server.url, results: nil) {
            try secrets.replace(with: certificates.unknownClient, password: "second")
            try await change(password: "second")
            let trusted = RedisCommand("CONFIG", "SET", "tls-ca-cert-file", certificates.unknownAuthorityPath)
            #expect(try await admin.send(trusted).string == "OK")
            let killed = try await admin.send(RedisCommand("CLIENT", "KILL", "USER", "app")).int ?? 0
            #expect(killed > 0)
        } check: {
            let clients = try await admin.send(RedisCommand("CLIENT", "LIST")).string ?? ""
            #expect(clients.contains("user=app"), "\(clients)")
        }
        secrets.remove()
        await admin.close()
        await server.stop()
    }
    #endif

    #if AMQP
    @Test("RabbitMQ takes only the new password, and a running worker goes on with the new certificate")
    func rabbitMQ() async throws {
        let certificates = try await TestCertificates.shared()
        let server = try await RabbitMQServer.start(.init(tls: certificates.server, requireClientCertificate: true))
        let port = try #require(server.tlsPort)
        _ = try await server.rabbitmqctl("add_user", "app", "first")
        _ = try await server.rabbitmqctl("set_permissions", "app", ".*", ".*", ".*")
        let secrets = try Secrets(certificates.client, password: "first")
        let url = secrets.url("amqps", port: port, authority: certificates.authorityPath)
        try await runs(at: url, from: server.url, results: "rpc://") {
            try secrets.replace(with: certificates.renewedClient, password: "second")
            _ = try await server.rabbitmqctl("change_password", "app", "second")
            _ = try await server.rabbitmqctl("close_all_user_connections", "app", "renewed")
        } check: {
            let connections = try await server.rabbitmqctl("--silent", "list_connections", "user", "peer_cert_subject")
            let subjects = connections.split(separator: "\n").filter { $0.hasPrefix("app\t") }
            #expect(!subjects.isEmpty && subjects.allSatisfy { $0.contains("celeriac-renewed") }, "\(connections)")
        }
        secrets.remove()
        await server.stop()
    }
    #endif
}
