#if Redis
import Celeriac
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import CeleriacWire
import Logging
import NIOPosix
import Testing

@testable import CeleriacCommand

/// `celeriac parked` beside a worker that parks messages of a folder of its own.
@Suite("celeriac parked", .timeLimit(.minutes(5)))
struct ParkedCommandTests {
    private func json(_ run: CommandRun) throws -> WireValue { try WireJSON.decode(Array(run.output.utf8)) }

    @Test("the queue in which nothing was found is named, for others may have some")
    func absence() {
        let none = ParkedSelection(unknownIDs: [])
        #expect(
            ParkedPrinter.absence(none, of: "celery", isFiltered: false) == ["No message is parked in celery."])
        #expect(ParkedPrinter.absence(none, of: "a", isFiltered: true) == ["No parked message of a matches."])
        let hostile = ParkedPrinter.absence(none, of: "a\u{1B}", isFiltered: true)
        #expect(hostile.allSatisfy { !$0.contains("\u{1B}") })
        let unknown = ParkedSelection(unknownIDs: ["5f"])
        #expect(ParkedPrinter.absence(unknown, of: "celery", isFiltered: true).isEmpty)
    }

    @Test("lists, shows, puts back and drops, by id, task and reason")
    func looksAfterMessages() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        // A worker that takes JSON alone parks what is in YAML.
        let app = try CeleryApp(broker: url)
        let worker = app.worker { TaskDefinition<Int, Int>("known").handler { $0 } }
        try await withRunning(worker) {
            for name in ["a", "b"] {
                try await app.send(TaskDefinition<Int, Void>(name)(1), serializer: Serializer(rawValue: "yaml"))
            }
            try await until { try await app.parkedMessages(in: "celery").count == 2 }
        }
        func parked(_ arguments: String...) async throws -> CommandRun {
            try await CommandRun(["parked"] + arguments + ["-b", url])
        }

        let listed = try await json(parked("list", "--json"))["messages"]?.arrayValue ?? []
        #expect(listed.count == 2 && Set(listed.compactMap { $0["task"]?.stringValue }) == ["a", "b"])
        let table = try await parked("list")
        #expect(table.output.hasPrefix("ID ") && table.output.split(separator: "\n").count == 3)
        let reason = listed.first?["reason"]?.stringValue ?? ""
        #expect(try await json(parked("list", "--json", "--reason", "another"))["messages"] == [])
        #expect(try await json(parked("list", "--json", "--older-than", "3600"))["messages"] == [])
        #expect(try await parked("list", "--reason", "another").output == "No parked message of celery matches.\n")
        let doubt = try await parked("list", "--reason", "another").errors
        #expect(doubt.hasPrefix("Warning: no message is parked for another. "))
        #expect(try await parked("list", "--reason", "unregistered").errors == "")
        // As with `call`, a queue without a name is the default one.
        #expect(try await parked("list", "-Q", "").output == table.output)
        #expect(try await parked("show", "-Q", "mail").output == "No message is parked in mail.\n")

        let shown = try await parked("show", "--task", "a")
        #expect(shown.output.contains("task: a\n") && shown.output.contains("reason: \(reason)\n"))
        #expect(shown.output.contains("message: {"))

        #expect(try await parked("drop").status == .exited(64))
        #expect(try await parked("drop", "--all", "--task", "a").status == .exited(64))
        let dry = try await json(parked("requeue", "--task", "a", "--dry-run", "--json"))
        #expect(dry["count"] == 1)
        #expect(try await app.parkedMessages(in: "celery").count == 2)
        let requeued = try await parked("requeue", "--task", "a", "--reason", reason)
        #expect(requeued.output.hasSuffix("1 message put back\n"))
        #expect(try await app.parkedMessages(in: "celery").map(\.task) == ["b"])
        let id = try await app.parkedMessages(in: "celery").first?.taskID ?? ""
        let known = try await json(parked("show", "--id", id, "--task", "a", "--json"))
        #expect(known["messages"] == [] && known["not_found"] == [])
        let missed = try await parked("show", "--id", "nobody", "--json")
        #expect(missed.status == .exited(1) && missed.errors == "Error: no parked message has the id nobody\n")
        // The error says it all.
        #expect(try await parked("show", "--id", "nobody").output == "")
        let byID = try await json(parked("show", id, "--json"))
        #expect(byID["messages"]?.arrayValue?.count == 1)
        #expect(try json(missed)["not_found"] == ["nobody"])
        let dryDrop = try await parked("drop", "--id", "nobody", "--id", id, "--dry-run", "--json")
        #expect(dryDrop.status == .exited(1))
        #expect(try json(dryDrop)["count"] == 1)
        let dropped = try await parked("drop", "--id", "nobody", "--id", id, "--json")
        #expect(dropped.status == .exited(1) && dropped.errors.contains("no parked message has the id nobody"))
        let outcome = try json(dropped)
        #expect(outcome["count"] == 1 && outcome["not_found"] == ["nobody"])
        #expect(try await app.parkedMessages(in: "celery").isEmpty)
        await app.close()

        let unreachable = try await CommandRun(["parked", "list", "-b", "redis://127.0.0.1:1/0"])
        #expect(unreachable.status == .exited(2) && unreachable.errors.hasPrefix("Error: "))
    }

    @Test("warns of failures that were told, says what it left and why, and lets no message control the terminal")
    func saysWhatItDid() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let app = try CeleryApp(broker: url, results: url)
        // A worker that finds every message begun too often.
        let known = TaskDefinition<Int, Int>("a\u{1B}[31m\n")
        var configuration = WorkerConfiguration(queues: ["celery"], maximumAttempts: 0)
        configuration.parksUnbegun = true
        let worker = app.worker(configuration) { known.handler { $0 } }
        try await withRunning(worker) {
            for number in 1...2 { try await app.send(known(number)) }
            try await until { try await app.parkedMessages(in: "celery").count == 2 }
        }
        #expect(try await app.parkedMessages(in: "celery").allSatisfy { $0.failureIsStored == true })
        func parked(_ arguments: String...) async throws -> CommandRun {
            try await CommandRun(["parked"] + arguments + ["-b", url])
        }

        let table = try await parked("list")
        #expect(table.output.split(separator: "\n").count == 3 && !table.output.contains("\u{1B}"))
        #expect(try await !parked("show").output.contains("\u{1B}"))
        let dry = try await parked("requeue", "--all", "--dry-run", "--json")
        let would = try json(dry)
        #expect(would["dry_run"] == true && would["failed_before"]?.arrayValue?.count == 2)
        #expect(dry.errors.hasPrefix("Warning: ") && dry.status == .exited(0))

        // The queue takes nothing.
        let redis = RedisClient(
            try RedisConfiguration(url: url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "test"))
        try await redis.send(RedisCommand("SET", "celery", "not a list"))
        let refused = try await parked("requeue", "--all", "--json")
        #expect(refused.status == .exited(2) && refused.errors.contains("Error: "))
        let outcome = try json(refused)
        #expect(outcome["dry_run"] == false && outcome["count"] == 0 && outcome["ids"] == [])
        #expect(outcome["left"]?.arrayValue?.count == 2)
        try await redis.send(RedisCommand("DEL", "celery"))
        await redis.close()

        let done = try await parked("requeue", "--all")
        #expect(done.output.hasSuffix("2 messages put back\n") && done.errors.hasPrefix("Warning: the callers of 2 "))
        #expect(try await app.parkedMessages(in: "celery").isEmpty)
        await app.close()
    }
}
#endif
