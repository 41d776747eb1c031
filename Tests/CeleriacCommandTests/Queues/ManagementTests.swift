#if AMQP
import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// What RabbitMQ's management API adds.
@Suite("celeriac queues and list bindings with a management API", .timeLimit(.minutes(5)))
struct ManagementTests {
    @Test("what workers hold is told without them, and so are bindings")
    func management() async throws {
        let port = try FreePort.take()
        let server = try await RabbitMQServer.start(
            .init(
                plugins: ["rabbitmq_management"],
                configuration: ["management.tcp.ip = 127.0.0.1", "management.tcp.port = \(port)"]))
        let url = server.url
        let worker = try await PythonPeer(broker: url).startWorker(pool: .prefork)
        let app = try CeleryApp(broker: url)
        let slow = TaskDefinition<Double, Void>("tasks.slow")
        for _ in 0..<3 { try await app.send(slow(600)) }
        let management = ["--management", "http://127.0.0.1:\(port)"]
        try await until {
            let run = try await CommandRun(["queues", "-Q", "celery", "-t", "0", "--json", "-b", url] + management)
            guard run.status == .exited(0) else { return false }
            return try WireJSON.decode(Array(run.output.utf8))["queues"]?[0]?["held"] == 2
        }
        let bindings = try await CommandRun(["list", "bindings", "-b", url] + management)
        #expect(bindings.status == .exited(0), "\(bindings.errors)")
        #expect(bindings.output.contains("\ncelery                       celery                       celery\n"))
        let wrong = try await CommandRun(
            ["list", "bindings", "-b", url, "--management", "http://me:no@127.0.0.1:\(port)"])
        #expect(wrong.status == .exited(69) && wrong.errors.contains("refuses the user"), "\(wrong.errors)")
        let away = try await CommandRun(["list", "bindings", "-b", url, "--management", "http://127.0.0.1:1"])
        #expect(away.status == .exited(69) && away.errors.contains("cannot be reached"), "\(away.errors)")
        await app.close()
        await worker.kill()
        await server.stop()
    }
}
#endif
