import Celeriac
import CeleriacBridge
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import CeleryDialect
import Foundation
import Testing

/// A bridge whose Celery side is a folder: without servers, and with remote control.
@Suite(.timeLimit(.minutes(3))) struct FolderBridgeTests {
    private static let add = TaskDefinition<Int, Int, Int>("add")

    @Test func tasksCrossAndOperatorsReachIt() async throws {
        let folder = try TemporaryFolder("bridge")
        defer { folder.remove() }
        let (messages, results, control) = (
            folder.path + "/messages", folder.path + "/results", folder.path + "/control"
        )
        for path in [messages, results, control] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        let bench = try BridgeBench()
        let settings = """
            broker_url: "filesystem://\(messages)"
            result_backend: "file://\(results)"
            broker_transport_options: {control_folder: "\(control)"}
            """
        let app = try CeleryApp(
            settings: try CelerySettings(yaml: Array(settings.utf8)), logger: BridgeBench.logger)
        // Where the notes are, remote control is too.
        let noting = try CeleryApp(
            settings: try CelerySettings(yaml: Array(settings.utf8)), logger: BridgeBench.logger)
        let target = BridgeEnd(
            .celery, client: app.client, notes: noting.client.broker, defaultQueue: "celery")
        let bridge = Bridge(
            [(.toCelery, bench.machineryEnd, target)], nodeName: "celeriac-bridge-1@test", closesEnds: false,
            logger: BridgeBench.logger)
        let worker = app.worker(WorkerConfiguration(queues: ["celery"], nodeName: "worker@test")) {
            Self.add.handler { $0 + $1 }
        }
        try await withBridge(bridge) {
            try await withRunning(worker) {
                let sum = try await bench.machinery.send(Self.add(2, 3)).get(timeout: .seconds(60))
                #expect(sum == 5)
                let control = app.control(pattern: BridgeNode.pattern, timeout: .seconds(5), limit: 1)
                // It listens a moment after its routes are open.
                try await until { try await control.ping().map(\.node) == ["celeriac-bridge-1@test"] }
                let replies = try await control.broadcast("bridge_pause", ["route": "to-celery"], reply: true)
                let reply = try #require(replies.first)
                let routes = try reply.get()
                #expect(routes["to-celery"]?["state"] == "paused")
                #expect(routes["to-celery"]?["replied"] == 1)
                // The worker has heard none of it.
                let queues = try await app.control(destination: ["worker@test"], timeout: .seconds(30), limit: 1)
                    .broadcast("active_queues", reply: true)
                let served = try #require(queues.first).get()
                #expect(served[0]?["name"] == "celery")
                // A task that has gone on is revoked where it waits.
                let late = try await bench.machinery.send(Self.add(2, 3), countdown: .seconds(3600))
                _ = try await control.broadcast("bridge_resume", reply: true)
                await until { bridge.status["to-celery"]?.forwarded == 2 }
                _ = await BridgeDesk(bridge).answer("revoke", ["task_id": .string(late.id)])
                await #expect(throws: RemoteTaskError.self) { try await late.get(timeout: .seconds(60)) }
            }
        }
        await app.close()
        await noting.close()
    }
}
