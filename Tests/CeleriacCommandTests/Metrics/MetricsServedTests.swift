import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging
import TestSupport
import Testing

/// `GET /metrics` of the command's own processes.
@Suite("celeriac with --metrics", .timeLimit(.minutes(5))) struct MetricsServedTests {
    /// A command that runs until the test ends it, and answers at a port.
    private struct Running {
        let child: ChildProcess
        let port: Int
        let log: String

        init(_ arguments: [String], in folder: TemporaryFolder) throws {
            port = try FreePort.take()
            log = "\(folder.path)/log"
            child = try ChildProcess(
                try Support.celeriac, arguments + ["--health", "\(port)", "--metrics"], output: .file(log),
                error: .file(log))
        }

        /// Waits until its metrics have a text.
        func metrics(with text: String) async throws -> HTTPReply {
            var reply: HTTPReply?
            try await until {
                try #require(child.status == nil, "it has ended: \(Support.text(log))")
                reply = try? await HTTPReply.of("GET", "/metrics", port: port)
                return reply?.body.contains(text) == true
            }
            return try #require(reply)
        }

        func stop() async {
            child.signal(SIGTERM)
            let status = await child.wait()
            #expect(status == .exited(0), "\(Support.text(log))")
        }
    }

    @Test("a bridge has the series that the dashboard and the alert rules ask for")
    func bridge() async throws {
        let folder = try TemporaryFolder("metrics")
        defer { folder.remove() }
        let bridge = try Running(["bridge", "run", try Support.bridgeFile(in: folder)], in: folder)
        let settings = try CelerySettings(yaml: Array("broker_url: \"filesystem://\(folder.path)/outside\"".utf8))
        let app = try CeleryApp(settings: settings, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        // No task at all: the bridge parks it.
        try await app.client.broker.publish([
            OutgoingMessage(message: WireMessage(body: Array("nonsense".utf8)), routingKey: "outside")
        ])
        await app.close()
        let reply = try await bridge.metrics(with: "celeriac_bridge_refused_total{route=\"wall\",reason=")
        #expect(reply.status == 200 && reply.head.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8"))
        for name in try Monitoring.names() where name.hasPrefix("celeriac_bridge_") {
            #expect(reply.body.contains("\n\(name){route=\"wall\""), "\(name)")
        }
        let ready = try await HTTPReply.of("GET", "/ready", port: bridge.port)
        #expect(ready.status == 200, "\(ready.body)")
        await bridge.stop()
    }

    @Test("a beat counts what it sends, and is ready")
    func beat() async throws {
        let folder = try TemporaryFolder("metrics")
        defer { folder.remove() }
        let schedule = "beat_schedule: {often: {task: tasks.add, schedule: 0.1, args: [1, 2]}}"
        try Data(schedule.utf8).write(to: URL(filePath: "\(folder.path)/beat.yaml"))
        let beat = try Running(
            ["beat", "-b", "filesystem://\(folder.path)/messages", "--schedule", "\(folder.path)/beat.yaml"],
            in: folder)
        _ = try await beat.metrics(with: "celeriac_tasks_sent_total{task=\"tasks.add\",queue=\"celery\"} ")
        let ready = try await HTTPReply.of("GET", "/ready", port: beat.port)
        #expect(ready.status == 200, "\(ready.body)")
        #expect(ready.json["worker"]?.stringValue?.hasPrefix("celerybeat@") == true)
        await beat.stop()
    }

    @Test("needs an address")
    func address() async throws {
        let run = try await CommandRun(["beat", "-b", "memory://", "--metrics"])
        #expect(run.status == .exited(64))
        #expect(run.errors.contains("--metrics needs --health"), "\(run.errors)")
    }
}

/// What `Monitoring/` of the package asks Prometheus for.
enum Monitoring {
    /// The names of the series in the alert rules and the dashboard.
    static func names() throws -> Set<String> {
        let folder = URL(filePath: #filePath).appending(path: "../../../../Monitoring").standardized
        var names: Set<String> = []
        for file in ["alerts.yaml", "dashboard.json"] {
            let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
            names.formUnion(text.matches(of: /celeriac_[a-z_]+/).map { String($0.output) })
        }
        return names
    }
}
