import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// `celeriac settings`.
@Suite("celeriac settings", .timeLimit(.minutes(5)))
struct SettingsCommandTests {
    /// Runs the command beside a settings file.
    private func run(_ yaml: String, _ arguments: String..., variables: [String: String] = [:]) async throws
        -> CommandRun
    {
        let folder = try TemporaryFolder("settings")
        defer { folder.remove() }
        try Data(yaml.utf8).write(to: URL(filePath: folder.path + "/celery.yaml"))
        return try await CommandRun(
            ["settings", "--config", "celery.yaml"] + arguments, in: folder.path, variables: variables)
    }

    @Test("shows each setting with its value, its place and its verdict, and no secret")
    func listing() async throws {
        let yaml = "broker_url: amqp://me:secret@mq/v\ntask_acks_late: false\nimports: [a.tasks]"
        let listed = try await run(yaml, "--json", variables: ["CELERY_TASK_ACKS_LATE": "true"])
        #expect(listed.status == .exited(0), "\(listed.errors)")
        let object = try WireJSON.decode(Array(listed.output.utf8))
        let file: WireValue = "the settings file celery.yaml"
        let expected: [WireValue] = [
            ["name": "broker_url", "value": "amqp://me:********@mq/v", "from": file, "verdict": "honoured"],
            ["name": "imports", "value": ["a.tasks"], "from": file, "verdict": "no effect"],
            ["name": "task_acks_late", "value": true, "from": "the environment", "verdict": "honoured"],
        ]
        #expect(object["settings"]?.arrayValue == expected)
        #expect(object["notices"]?.arrayValue?.count == 1 && object["refusals"] == [])

        let table = try await run(yaml, "-b", "memory://")
        let broker = table.output.split(separator: "\n").first { $0.hasPrefix("broker_url ") }
        #expect(table.output.hasPrefix("SETTING ") && broker?.contains(" --broker ") == true)
        // A long value moves nothing else away.
        #expect(broker?.split(separator: " ").last?.contains("memory://") == true)
        #expect(table.output.contains("Notice: the settings file celery.yaml sets imports, which has no effect: "))
        #expect(!table.output.contains("secret"))
        #expect(try await run("").output == "Nothing is set: Celery's defaults hold.\n")
    }

    @Test("tells of all refusals")
    func refusals() async throws {
        let refused = try await run(
            "worker_concurrency: many\nredis_backend_credential_provider: a.B\ntask_acks_late: true")
        #expect(refused.status == .exited(1))
        let lines = refused.output.split(separator: "\n").filter { $0.hasPrefix("Refused: ") }
        #expect(lines.count == 2 && lines.first?.contains("worker_concurrency") == true)
        #expect(lines.last?.contains("programs set redisCredentials") == true)
        let unknown = try await run("worker_concurency: 1")
        let text = "the settings file celery.yaml has the unknown key 'worker_concurency', which sets nothing"
        #expect(unknown.status == .exited(0) && unknown.output.contains("Warning: \(text)"), "\(unknown.output)")
        let strict = try await run("worker_concurency: 1", "--strict", "--json")
        #expect(strict.status == .exited(1))
        let object = try WireJSON.decode(Array(strict.output.utf8))
        #expect(object["warnings"] == [] && object["refusals"]?.arrayValue?.count == 1)
    }

    @Test("a file that nobody has filled in is wrong, and variables fill it in without being shown")
    func unfilled() async throws {
        let yaml = "broker_url: redis://:${SECRET_OF_TEST}@h/1"
        let unfilled = try await run(yaml)
        #expect(unfilled.status == .exited(64) && unfilled.output.isEmpty)
        let text = "the settings file celery.yaml needs the environment variable SECRET_OF_TEST for broker_url"
        #expect(unfilled.errors.contains(text), "\(unfilled.errors)")
        let filled = try await run(yaml, variables: ["SECRET_OF_TEST": "pw0rd"])
        #expect(filled.status == .exited(0) && filled.output.contains("redis://:********@h/1"), "\(filled.output)")
    }

    #if Redis
    @Test("writes a live worker's settings as a file")
    func like() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let app = try CeleryApp(broker: url)
        let configuration = WorkerConfiguration(queues: ["like"], concurrency: 3, nodeName: "celery@like")
        let worker = app.worker(configuration) { TaskDefinition<Int, Int>("known").handler { $0 } }
        try await withRunning(worker) {
            // Its mailbox may open a little later than its queues.
            try await until { try await !app.control(destination: ["celery@like"]).ping().isEmpty }
            let arguments = ["settings", "--like", "celery@like", "--timeout", "60", "-b", url]
            let written = try await CommandRun(arguments)
            #expect(written.status == .exited(0), "\(written.errors)")
            #expect(written.output.hasPrefix("# Settings of celery@like that are not Celery's defaults"))
            let settings = try CelerySettings(yaml: Array(written.output.utf8))
            #expect(settings.worker.concurrency == 3)
            let json = try WireJSON.decode(Array(try await CommandRun(arguments + ["--json"]).output.utf8))
            #expect(json["node"] == "celery@like" && json["settings"]?["worker_concurrency"] == 3)

            let missing = try await CommandRun(["settings", "--like", "nobody@here", "--timeout", "0.5", "-b", url])
            #expect(missing.status == .exited(2) && missing.output.isEmpty)
            #expect(missing.errors.hasPrefix("Error: No worker of the name nobody@here has answered"))
        }
        #expect(try await CommandRun(["settings", "--like", "x", "--timeout", "0", "-b", url]).status == .exited(64))
        #expect(try await CommandRun(["settings", "--like", "x"]).status == .exited(64))
        await app.close()
    }
    #endif
}
