#if Signing && Redis
import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryDialect
import Foundation
import Logging
import Testing

/// Python and Swift with Celery's `setup_security`: each signs with its own key, and takes nothing else than signed messages.
@Suite("Signed messages beside Python", .timeLimit(.minutes(5)))
struct SigningPeerTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "CeleryDialectTests/Fixtures/signing").path

    /// The settings of an application that signs as one of the members.
    private static func settings(_ url: String, key: String, certificate: String) -> String {
        """
        broker_url: \(url)
        result_backend: \(url)
        task_serializer: auth
        event_serializer: auth
        accept_content: [auth]
        result_accept_content: [json]
        security_key: \(folder)/FOR-TESTS-ONLY-\(key).key
        security_certificate: \(folder)/\(certificate)
        security_cert_store: \(folder)/store/*.pem
        """
    }

    private static func app(_ url: String, key: String, certificate: String) throws -> CeleryApp {
        let yaml = settings(url, key: key, certificate: certificate)
        var logger = Logger(label: "live")
        logger.logLevel = .critical
        return try CeleryApp(settings: CelerySettings(yaml: Array(yaml.utf8)), logger: logger)
    }

    @Test("tasks, retries, remote control and events both ways; what is not trusted is parked with the reason")
    func bothWays() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let app = try Self.app(url, key: "alice", certificate: "store/alice.pem")
        let bob = Self.settings(url, key: "bob", certificate: "store/bob.pem")
        var settings: [String: WireValue] = ["security_key_password": "test"]
        for (name, value) in try WireYAML.decode(Array(bob.utf8)).objectValue ?? [:] { settings[name] = value }
        let python = PythonPeer(broker: url, results: url, settings: settings)
        let driver = try await python.startDriver()

        let worker = app.worker(WorkerConfiguration(queues: ["celery"], nodeName: "swift@signed")) {
            MatrixTasks.handlers
        }
        try await withRunning(worker) {
            let sum = try await driver.send("tasks.add", [2, 3])
            #expect(try await driver.get(sum) == .success(5))
            // The worker sends the task again, to a queue that takes only signed messages.
            let retried = try await driver.send("tasks.retry_until", [1])
            #expect(try await driver.get(retried) == .success(1))
            #expect(try await driver.ping() == [["swift@signed": ["ok": "pong"]]])
            #expect(try await app.send(MatrixTasks.add(1, 2)).get(timeout: .seconds(30)) == 3)
            _ = try await driver.ask("listen")
            try await until {
                let events = try await driver.ask("heard")["events"]?.arrayValue ?? []
                return events.contains { $0["type"] == "worker-heartbeat" }
            }

            // One whom nobody trusts, and one who does not sign.
            let mallory = try Self.app(url, key: "mallory", certificate: "mallory.pem")
            var logger = Logger(label: "live")
            logger.logLevel = .critical
            let plain = try CeleryApp(broker: url, results: url, logger: logger)
            for (sender, reason) in [(mallory, "unknownSigner"), (plain, "disallowedContentType")] {
                let sent = try await sender.send(MatrixTasks.add(4, 4))
                try await until {
                    try await app.parkedMessages(in: "celery").contains { $0.taskID == sent.id && $0.reason == reason }
                }
                await sender.close()
            }
        }

        let pythonWorker = try await python.startWorker()
        #expect(try await app.send(MatrixTasks.add(4, 5)).get(timeout: .seconds(30)) == 9)
        let replies = try await app.control.ping()
        #expect(replies.map(\.node) == [pythonWorker.name])
        await pythonWorker.stop()
        await driver.stop()
        await app.close()
    }
}
#endif
