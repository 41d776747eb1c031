import Celeriac
import CeleriacTestKit
import Foundation
import Logging
import Testing

#if Redis
import CeleriacRedis
#endif

/// Tests tasks and results over encrypted connections, and the connections that must be refused.
@Suite("TLS", .serialized)
struct TLSTests {
    /// A client's certificate and the authority that it trusts.
    private struct Identity {
        var authority: String
        var client: TestCertificates.Identity?
        var checksHost = true

        /// The identity as a URL query.
        var query: String {
            var query = "?ssl_ca_certs=\(authority)" + (checksHost ? "" : "&ssl_check_hostname=false")
            if let client { query += "&ssl_certfile=\(client.certificatePath)&ssl_keyfile=\(client.privateKeyPath)" }
            return query
        }
    }

    #if Redis
    @Test("rediss://", .timeLimit(.minutes(5))) func redis() async throws {
        let certificates = try await TestCertificates.shared()
        let server = try await RedisServer.start(.init(tls: certificates.server, requireClientCertificate: true))
        let url = try #require(server.tlsURL)
        try await exchanges(broker: url, results: url, certificates)
        try await exchangesOfMachinery(url, certificates)
        try await refuses(
            broker: url, results: url, Identity(authority: certificates.authorityPath), because: "CERTIFICATE_REQUIRED")
        try await refuses(
            broker: url, results: url,
            Identity(authority: certificates.unknownAuthorityPath, client: certificates.client),
            because: "CERTIFICATE_VERIFY_FAILED")
        #expect(try await sent(to: server) == [0, 0])
        await server.stop()
        let impostor = try await RedisServer.start(.init(tls: certificates.wrongHost))
        let other = try #require(impostor.tlsURL)
        var stranger = Identity(authority: certificates.authorityPath)
        try await refuses(broker: other, results: other, stranger, because: "failedToValidateHostname")
        #expect(try await sent(to: impostor) == [0, 0])
        // Only the host name is wrong.
        stranger.checksHost = false
        try await sends(broker: other, results: other, stranger)
        #expect(try await sent(to: impostor) == [1, 1])
        await impostor.stop()
    }

    /// How many tasks are in each queue, counted without TLS.
    private func sent(to server: RedisServer) async throws -> [Int?] {
        let connection = try await RedisConnection.connect(
            try RedisConfiguration(url: server.url), on: sharedEventLoop(), logger: Logger(label: "live"))
        let lengths = try await connection.send(Self.queues.map { RedisCommand("LLEN", $0) })
        await connection.close()
        return lengths.map(\.int)
    }
    #endif

    #if AMQP
    @Test("amqps://", .timeLimit(.minutes(5))) func rabbitMQ() async throws {
        let certificates = try await TestCertificates.shared()
        let server = try await RabbitMQServer.start(.init(tls: certificates.server, requireClientCertificate: true))
        let url = try #require(server.tlsURL)
        try await exchanges(broker: url, results: "rpc://", certificates)
        try await exchangesBySettings(url.replacing("amqps://", with: "amqp://"), certificates)
        try await exchangesOfMachinery(url, certificates)
        try await refuses(
            broker: url, results: "rpc://", Identity(authority: certificates.authorityPath),
            because: "CERTIFICATE_REQUIRED")
        try await refuses(
            broker: url, results: "rpc://",
            Identity(authority: certificates.unknownAuthorityPath, client: certificates.client),
            because: "CERTIFICATE_VERIFY_FAILED")
        #expect(try await sent(to: server) == [0, 0])
        await server.stop()
        let impostor = try await RabbitMQServer.start(.init(tls: certificates.wrongHost))
        let other = try #require(impostor.tlsURL)
        var stranger = Identity(authority: certificates.authorityPath)
        try await refuses(broker: other, results: "rpc://", stranger, because: "failedToValidateHostname")
        #expect(try await sent(to: impostor) == [0, 0])
        // Only the host name is wrong.
        stranger.checksHost = false
        try await sends(broker: other, results: "rpc://", stranger)
        #expect(try await sent(to: impostor) == [1, 1])
        await impostor.stop()
    }

    @Test("broker_login_method: EXTERNAL logs in by the certificate, whatever the URL says", .timeLimit(.minutes(5)))
    func loginByCertificate() async throws {
        let certificates = try await TestCertificates.shared()
        let server = try await RabbitMQServer.start(
            .init(
                tls: certificates.server, plugins: ["rabbitmq_auth_mechanism_ssl"],
                configuration: [
                    "auth_mechanisms.1 = PLAIN", "auth_mechanisms.2 = AMQPLAIN", "auth_mechanisms.3 = EXTERNAL",
                    "ssl_cert_login_from = common_name",
                ]))
        _ = try await server.rabbitmqctl("add_user", "celeriac-client", "unused")
        _ = try await server.rabbitmqctl("set_permissions", "celeriac-client", ".*", ".*", ".*")
        let tls = """
            {ca_certs: \(certificates.authorityPath), certfile: \(certificates.client.certificatePath), \
            keyfile: \(certificates.client.privateKeyPath), server_hostname: null}
            """
        for (method, login, user) in [
            ("EXTERNAL", "nobody:wrong", "celeriac-client"), ("AMQPLAIN", "guest:guest", "guest"),
        ] {
            let port = try #require(server.tlsPort)
            let yaml = """
                broker_url: amqp://\(login)@localhost:\(port)//
                broker_use_ssl: \(tls)
                broker_login_method: \(method)
                """
            let app = try CeleryApp(settings: try CelerySettings(yaml: Array(yaml.utf8)), logger: Self.logger)
            try await app.send(MatrixTasks.add(2, 3), ignoresResult: true)
            let users = try await server.rabbitmqctl("list_connections", "user")
            #expect(users.contains(user), "\(method): \(users)")
            await app.close()
        }
        await server.stop()
    }

    /// Tests that `broker_use_ssl` encrypts the connections to a URL without TLS, for tasks and results.
    private func exchangesBySettings(_ url: String, _ certificates: TestCertificates) async throws {
        let yaml = """
            broker_url: \(url)
            result_backend: rpc://
            broker_use_ssl:
              ca_certs: \(certificates.authorityPath)
              certfile: \(certificates.client.certificatePath)
              keyfile: \(certificates.client.privateKeyPath)
              cert_reqs: CERT_REQUIRED
              server_hostname: null
            """
        let app = try CeleryApp(settings: try CelerySettings(yaml: Array(yaml.utf8)), logger: Self.logger)
        let worker = app.worker { MatrixTasks.handlers }
        let sum = try await withRunning(worker) {
            try await app.send(MatrixTasks.add(2, 3)).get(timeout: .seconds(30))
        }
        #expect(sum == 5)
        await app.close()
    }

    /// How many tasks are in each queue, counted with the server's own tool; 0 if a queue does not exist.
    private func sent(to server: RabbitMQServer) async throws -> [Int?] {
        var counts: [Substring: Int] = [:]
        for line in try await server.rabbitmqctl("--silent", "list_queues", "name", "messages").split(separator: "\n") {
            let fields = line.split(separator: "\t")
            if fields.count == 2 { counts[fields[0]] = Int(fields[1]) }
        }
        return Self.queues.map { counts[Substring($0)] ?? 0 }
    }
    #endif

    private static let add = TaskDefinition<Int, Int, Int>("tasks.add")
    /// The default queues of Celery and Machinery.
    private static let queues = ["celery", "machinery_tasks"]

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

    /// Tests that tasks and results pass between Swift and Python with a known authority, the right host and a client
    /// certificate.
    private func exchanges(broker: String, results: String, _ certificates: TestCertificates) async throws {
        let app = try app(
            broker: broker, results: results,
            Identity(authority: certificates.authorityPath, client: certificates.client))
        let worker = app.worker { MatrixTasks.handlers }
        let sum = try await withRunning(worker) {
            try await app.send(MatrixTasks.add(2, 3)).get(timeout: .seconds(120))
        }
        #expect(sum == 5)
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
        #expect(try await app.send(MatrixTasks.add(4, 5)).get(timeout: .seconds(120)) == 9)
        await pythonWorker.stop()
        await app.close()
    }

    /// Tests the same for Machinery, with broker and results on one server.
    private func exchangesOfMachinery(_ url: String, _ certificates: TestCertificates) async throws {
        let server = try machinery(
            url, Identity(authority: certificates.authorityPath, client: certificates.client))
        let worker = server.worker(consumerTag: "tls", concurrency: 2) { MatrixTasks.handlers }
        let sum = try await withRunning(worker) {
            try await server.send(Self.add(2, 3)).get(timeout: .seconds(120))
        }
        #expect(sum == 5)
        await server.close()
    }

    /// Tests that sending fails in both dialects with an error that gives the reason.
    private func refuses(broker: String, results: String, _ identity: Identity, because reason: String) async throws {
        let app = try app(broker: broker, results: results, identity)
        let server = try machinery(broker, identity)
        // With rpc, the reply queue is declared first; with Machinery, the task's state is stored first.
        let code = results == "rpc://" ? CeleriacError.Code.resultStore : .publishFailed
        for (sender, code) in [(app, code), (server, .resultStore)] as [(any TaskSender, CeleriacError.Code)] {
            await #expect {
                try await sender.send(Self.add(2, 3))
            } throws: { error in
                guard let error = error as? CeleriacError else { return false }
                return error.code == code && "\(error)".contains(reason)
            }
        }
        await app.close()
        await server.close()
    }

    /// Tests that the same clients can send if the host name is not verified.
    private func sends(broker: String, results: String, _ identity: Identity) async throws {
        let app = try app(broker: broker, results: results, identity)
        let server = try machinery(broker, identity)
        for sender: any TaskSender in [app, server] {
            try await sender.send(Self.add(2, 3), ignoresResult: true)
        }
        await app.close()
        await server.close()
    }
}
