import Celeriac
import CeleriacCore
import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// The verbs of remote control beside a real Celery worker, compared with Celery's own command.
@Suite("celeriac status, ping, inspect and control", .timeLimit(.minutes(10)))
struct RemoteVerbTests {
    /// The brokers that this build supports.
    enum Transport: String, CaseIterable, CustomTestStringConvertible {
        case redis, rabbitMQ

        var testDescription: String { rawValue }

        static var available: [Transport] {
            allCases.filter { transport in
                switch transport {
                #if !Redis
                case .redis: false
                #endif
                #if !AMQP
                case .rabbitMQ: false
                #endif
                default: true
                }
            }
        }

        func url() async throws -> String {
            switch self {
            case .redis: try await SharedServers.shared.redisDatabaseURL()
            case .rabbitMQ: try await SharedServers.shared.rabbitMQVirtualHostURL()
            }
        }
    }

    /// A worker in Python that answers.
    private struct Site {
        let url: String
        let python: PythonPeer
        let worker: PythonWorker

        init(_ transport: Transport, pool: PythonPeer.Pool = .solo) async throws {
            let url = try await transport.url()
            let python = PythonPeer(broker: url)
            let worker = try await python.startWorker(pool: pool)
            (self.url, self.python, self.worker) = (url, python, worker)
            // Its mailbox may open a little later than its queues.
            try await until {
                try await CommandRun(["ping", "-q", "-d", worker.name, "-t", "5", "-b", url]).status == .exited(0)
            }
        }

        /// A run of ours, which a reply of the one worker ends.
        func ours(_ arguments: String...) async throws -> CommandRun {
            try await CommandRun(arguments + ["-b", url, "-d", worker.name, "-t", "60"])
        }
    }

    /// Command lines that give the same replies however often they are run, and all ways in which replies are printed.
    private static let compared = [
        "status", "inspect ping", "inspect ping --json", "inspect active", "inspect registered",
        "inspect registered rate_limit max_retries", "inspect active_queues", "inspect active_queues --json",
        "inspect conf true", "inspect conf true --json", "inspect query_task nobody", "inspect memdump",
        "inspect report", "control rate_limit tasks.add 10/m", "control rate_limit nope 10/m",
        "control rate_limit nope 10/m --json", "control time_limit tasks.add 1", "control autoscale 5 3",
        "control cancel_consumer other", "control disable_events", "control heartbeat", "control revoke one",
        "control terminate SIGTERM two", "control revoke_by_stamped_headers a=b",
    ]

    @Test("print what Celery's print", arguments: Transport.available)
    func comparison(_ transport: Transport) async throws {
        let site = try await Site(transport)
        for line in Self.compared {
            let words = line.split(separator: " ").map(String.init)
            let ours = try await CommandRun(words + ["-b", site.url, "-d", site.worker.name, "-t", "60"])
            let celerys = try await site.python.celery(words + ["-d", site.worker.name, "-t", "60"])
            #expect(ours.output == celerys.output, "\(line): \(ours.errors) \(celerys.errors)")
            #expect(ours.status == celerys.status && celerys.status == .exited(0), "\(line)")
        }
        let stats = try await site.ours("inspect", "stats", "--json")
        let object = try WireJSON.decode(Array(stats.output.utf8))
        #expect(object[site.worker.name]?["pool"]?["max-concurrency"] == 1)
        let status = try await site.ours("status", "--json")
        #expect(status.output == "{\"\(site.worker.name)\": {\"ok\": \"pong\"}}\n")
        let ping = try await site.ours("ping")
        #expect(ping.output == "->  \(site.worker.name): OK\n        pong\n\n1 node online.\n")
        let ready = try await site.ours("ping", "--ready")
        #expect(ready.status == .exited(0) && ready.output == "\(site.worker.name): ready\n")
        let own = try await site.ours("inspect", "no_such_command", "--kwargs", "{}")
        #expect(own.output == "->  \(site.worker.name): ERROR\n        KeyError('no_such_command')\n\n1 node online.\n")
        await site.worker.stop()
    }

    @Test("revoke and drain do what they say", arguments: Transport.available)
    func changes(_ transport: Transport) async throws {
        // While it runs a task, a solo worker does not answer.
        let site = try await Site(transport, pool: .prefork)
        let app = try CeleryApp(broker: site.url)
        let slow = TaskDefinition<Double, Void>("tasks.slow")
        func ids(_ command: String) async throws -> [String] {
            let json = try WireJSON.decode(Array(try await site.ours("inspect", command, "-j").output.utf8))
            return json[site.worker.name]?.arrayValue?.compactMap { ($0["request"] ?? $0)["id"]?.stringValue } ?? []
        }
        let endless = try await app.send(slow(600))
        let later = try await app.send(slow(600), countdown: .seconds(300))
        try await until { try await ids("active") == [endless.id] }
        try await until { try await ids("scheduled") == [later.id] }
        let revoked = try await site.ours("revoke", endless.id, later.id, "--terminate")
        #expect(revoked.status == .exited(0) && revoked.output.contains("terminate: "), "\(revoked.errors)")
        try await until { try await ids("active").isEmpty }
        let stamped = try await site.ours("revoke", "--stamp", "customer=acme")
        #expect(stamped.output.contains("headers {'customer': ['acme']} flagged as revoked"), "\(stamped.output)")

        // On a busy machine it takes seconds to ask what is active.
        let running = try await app.send(slow(15))
        try await until { try await ids("active") == [running.id] }
        let patient = try await site.ours("drain", "--within", "0", "--json")
        let undrained = try WireJSON.decode(Array(patient.output.utf8))["workers"]?[0]
        #expect(patient.status == .exited(1) && undrained?["drained"] == false && undrained?["queues"] == ["celery"])
        let drained = try await site.ours("drain", "--json")
        let worker = try WireJSON.decode(Array(drained.output.utf8))["workers"]?[0]
        #expect(drained.status == .exited(0) && worker?["drained"] == true && worker?["running"] == 0)
        try await app.send(slow(1))
        let purged = try await CommandRun(["purge", "-f", "-b", site.url])
        #expect(purged.output == "Purged 1 message from 1 known task queue.\n")
        let ping = try await site.ours("ping")
        #expect(ping.status == .exited(0))
        await app.close()
        await site.worker.stop()
    }

    @Test("end as Celery's if nobody replies", arguments: Transport.available)
    func silence(_ transport: Transport) async throws {
        let url = try await transport.url()
        let python = PythonPeer(broker: url)
        for words in [["status"], ["inspect", "ping"], ["control", "pool_grow"]] {
            let ours = try await CommandRun(words + ["-b", url, "-t", "0.2"])
            let celerys = try await python.celery(words + ["-t", "0.2"])
            #expect(ours.status == .exited(69) && celerys.status == .exited(69))
            #expect(ours.output.isEmpty && ours.errors == celerys.errors, "\(celerys.errors)")
        }
    }

    @Test("name a server that is not there, and soon", arguments: deadURLs)
    func unreachable(_ url: String) async throws {
        let run = try await CommandRun(["status", "-b", url])
        #expect(run.status == .exited(69) && run.output.isEmpty)
        #expect(run.errors.contains("cannot be reached") && run.errors.contains("check that it runs"), "\(run.errors)")
    }

    @Test("reach workers over a folder by its settings")
    func folder() async throws {
        let folder = try TemporaryFolder("verbs")
        defer { folder.remove() }
        let (messages, control) = (folder.path + "/messages", folder.path + "/control")
        let python = try PythonPeer(
            messages: messages, control: control, results: folder.path + "/results",
            processed: folder.path + "/processed")
        let worker = try await python.startWorker()
        let variables = ["CELERY_BROKER_TRANSPORT_OPTIONS": "{control_folder: \(control)}"]
        try await until {
            let ping = try await CommandRun(
                ["ping", "-d", worker.name, "-t", "10", "-b", "filesystem://" + messages], variables: variables)
            return ping.status == .exited(0)
        }
        let options = "{data_folder_in: \(messages), data_folder_out: \(messages), control_folder: \(control)}"
        let status = try await CommandRun(
            ["status", "-d", worker.name, "-t", "60", "-b", "filesystem://"],
            variables: ["CELERY_BROKER_TRANSPORT_OPTIONS": options])
        #expect(status.output == "->  \(worker.name): OK\n\n1 node online.\n", "\(status.errors)")
        await worker.stop()
    }

    @Test("say what is wrong with a command line")
    func wrongLines() async throws {
        for (words, text) in [
            (["status", "-b", "localhost:6379"], "the URL of the broker has no scheme"),
            (["status"], "Specify the broker"), (["inspect", "-b", "memory://"], "Missing argument 'COMMAND'"),
            (["inspect", "nope", "-b", "memory://"], "Available inspect commands: active, active_queues, clock, conf"),
            (["control", "ping", "-b", "memory://"], "Available control commands: add_consumer, autoscale"),
            (["status", "-b", "memory://", "-t", "0"], "--timeout must be"),
            (["status", "-b", "memory://", "-d", ","], "--destination names no worker"),
        ] {
            let run = try await CommandRun(words)
            #expect(run.status == .exited(64) && run.errors.contains(text), "\(run.errors)")
        }
        let memory = try await CommandRun(["status", "-b", "memory://"])
        #expect(memory.status == .exited(69) && memory.errors.contains("cannot carry remote control"))
        let list = try await CommandRun(["inspect", "--list"])
        #expect(list.status == .exited(0) && list.output.hasPrefix("COMMAND "))
        let json = try await CommandRun(["control", "--list", "--json"])
        #expect(try WireJSON.decode(Array(json.output.utf8))["commands"]?.arrayValue?.count == 16)
    }

    private static var deadURLs: [String] {
        var urls: [String] = []
        #if Redis
        urls.append("redis://127.0.0.1:1/0")
        #endif
        #if AMQP
        urls.append("amqp://127.0.0.1:1//")
        #endif
        return urls
    }
}
