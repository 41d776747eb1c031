#if Redis
import Celeriac
import CeleriacBridge
import CeleriacTestKit
import Foundation
import Logging
import Testing

/// A bridge whose sides are reached over TLS, with a certificate of its own.
@Suite("A bridge over TLS", .serialized)
struct BridgeTLSTests {
    private static let add = TaskDefinition<Int, Int, Int>("add")

    @Test("crosses with certificates, from files and the environment", .timeLimit(.minutes(5)))
    func crosses() async throws {
        let certificates = try await TestCertificates.shared()
        let server = try await RedisServer.start(.init(tls: certificates.server, requireClientCertificate: true))
        let client = certificates.client
        let query =
            "?ssl_ca_certs=\(certificates.authorityPath)&ssl_certfile=\(client.certificatePath)"
            + "&ssl_keyfile=\(client.privateKeyPath)"
        let tls = try #require(server.tlsURL)
        let folder = try TemporaryFolder("bridge")
        defer { folder.remove() }
        // The address of one side is in a file, that of the other in the environment.
        let secret = folder.path + "/address"
        try Data("\(tls)\(query)\n".utf8).write(to: URL(filePath: secret))
        let inner = tls.replacing("/0", with: "/1") + query
        let yaml = """
            ends:
              go: {dialect: machinery, broker: "${file:\(secret)}", results: "${file:\(secret)}"}
              python: {dialect: celery, broker: "${INNER}", results: "${INNER}"}
            routes: [{name: to-python, from: go, to: python}]
            """
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        let bridge = try Bridge(yaml: Array(yaml.utf8), environment: ["INNER": inner], logger: logger)
        let machinery = try MachineryServer(
            configuration: MachineryConfiguration(broker: server.url, resultBackend: server.url), logger: logger)
        let celery = try CeleryApp(
            broker: server.url(database: 1), results: server.url(database: 1), logger: logger)
        let worker = celery.worker(WorkerConfiguration(queues: ["celery"])) { Self.add.handler { $0 + $1 } }
        try await BridgeSite.running(bridge) {
            try await withRunning(worker) {
                let sum = try await machinery.send(Self.add(2, 3)).get(timeout: .seconds(60))
                #expect(sum == 5)
            }
        }
        await celery.close()
        await machinery.close()
        await server.stop()
    }
}
#endif
