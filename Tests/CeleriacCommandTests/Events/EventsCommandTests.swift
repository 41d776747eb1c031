import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// `celeriac events` beside a real Celery worker.
@Suite("celeriac events", .timeLimit(.minutes(5)))
struct EventsCommandTests {
    typealias Transport = RemoteVerbTests.Transport

    /// Runs the command while tasks are sent one after the other.
    private func hear(_ app: CeleryApp, _ arguments: [String]) async throws -> CommandRun {
        let add = TaskDefinition<Int, Int, Int>("tasks.add")
        return try await withThrowingTaskGroup(of: CommandRun?.self) { group in
            group.addTask { try await CommandRun(["events"] + arguments) }
            group.addTask {
                try await until {
                    _ = try await app.send(add(2, 3)).get(timeout: .seconds(60))
                    return false
                }
                return nil
            }
            let run = try await group.next() ?? nil
            group.cancelAll()
            return try #require(run)
        }
    }

    @Test("prints events as JSON and as Celery's dump", arguments: Transport.available)
    func printing(_ transport: Transport) async throws {
        let url = try await transport.url()
        let results = transport == .redis ? url : "rpc://"
        let worker = try await PythonPeer(broker: url, results: results).startWorker()
        var configuration = CeleryConfiguration()
        configuration.sendsSentEvents = true
        let app = try CeleryApp(broker: url, results: results, configuration: configuration)

        let json = try await hear(app, ["--json", "--dump", "--enable", "--count", "200", "-b", url])
        #expect(json.status == .exited(0), "\(json.errors)")
        let events = try json.output.split(separator: "\n").map { try WireJSON.decode(Array($0.utf8)) }
        #expect(events.count == 200 && events.allSatisfy { $0["local_received"] != nil && $0["clock"] != nil })
        let types = Set(events.compactMap { $0["type"]?.stringValue })
        #expect(types.isSuperset(of: ["task-sent", "task-received", "task-started", "task-succeeded"]), "\(types)")

        let dump = try await hear(app, ["--dump", "--count", "200", "-b", url])
        let lines = dump.output.split(separator: "\n")
        #expect(dump.status == .exited(0) && lines.count == 201, "\(dump.errors)")
        #expect(lines.first == "-> evdump: starting capture...")
        #expect(lines.contains { $0.hasPrefix("\(worker.name) [") && $0.contains("] task succeeded: tasks.add(") })
        await app.close()
        await worker.stop()
    }

    @Test("says what is wrong")
    func errors() async throws {
        for words in [["--frequency", "0"], ["--count", "0"]] {
            let run = try await CommandRun(["events", "-b", "memory://"] + words)
            #expect(run.status == .exited(64), "\(run.errors)")
        }
        let memory = try await CommandRun(["events", "-b", "memory://"])
        #expect(memory.status == .exited(69) && memory.errors.contains("carries no events"))
        #if Redis
        let away = try await CommandRun(["events", "-b", "redis://127.0.0.1:1/0"])
        #expect(away.status == .exited(69) && away.errors.contains("cannot be reached"), "\(away.errors)")
        #endif
    }
}
