#if Redis
import Celeriac
import CeleriacCore
import CeleriacRedis
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging
import NIOPosix
import Testing

/// Tests `celeriac call` and `celeriac result` with a real Celery worker.
@Suite(.timeLimit(.minutes(5))) struct CallCommandTests {
    /// A worker with its own Redis database, and the options that point to it.
    private struct Site {
        let url: String
        let worker: PythonWorker

        init() async throws {
            url = try await SharedServers.shared.redisDatabaseURL()
            worker = try await PythonPeer(broker: url, results: url).startWorker()
        }

        func call(_ arguments: String...) async throws -> CommandRun {
            try await CommandRun(["call", "-b", url, "--result-backend", url] + arguments)
        }

        func result(_ arguments: String...) async throws -> CommandRun {
            try await CommandRun(["result", "--result-backend", url] + arguments)
        }
    }

    private func object(_ run: CommandRun) throws -> WireObject {
        #expect(run.output.utf8.allSatisfy { $0 < 0x80 }, "not ASCII: \(run.output)")
        return try #require(WireJSON.decode(Array(run.output.utf8)).objectValue)
    }

    @Test func resultsAndFailures() async throws {
        let site = try await Site()
        let added = try await site.call("tasks.add", "--args", "[2, 3]", "--wait")
        #expect(added.status == .exited(0) && added.output == "5\n" && added.errors.isEmpty, "\(added.errors)")

        // Text output is readable; JSON output is ASCII.
        let echo = try await site.call("tasks.echo", "--args", #"["bår 🥕"]"#, "--kwargs", #"{"x": 1}"#, "--wait")
        #expect(echo.output == #"{"args": ["bår 🥕"], "kwargs": {"x": 1}}"# + "\n")
        let json = try await site.call("tasks.echo", "--args", #"["bår"]"#, "--wait", "--json")
        let success = try object(json)
        #expect(json.status == .exited(0) && Array(success.keys) == ["id", "state", "result"])
        #expect(success["state"] == "SUCCESS" && success["result"] == ["args": ["bår"], "kwargs": [:]])

        let stored = try await site.result(try #require(success["id"]?.stringValue))
        #expect(stored.status == .exited(0) && stored.output == #"SUCCESS {"args": ["bår"], "kwargs": {}}"# + "\n")
        let storedJSON = try await site.result(try #require(success["id"]?.stringValue), "--json")
        #expect(storedJSON.status == .exited(0))
        #expect(try object(storedJSON) == success)

        let failed = try await site.call("tasks.fail", "--args", #"["ValueError", "böse", 42]"#, "--wait")
        #expect(failed.status == .exited(1) && failed.output.isEmpty)
        #expect(failed.errors == #"FAILURE ValueError ["böse", 42]"# + "\n")
        let failedJSON = try await site.call("tasks.fail", "--args", #"["ValueError", "boom"]"#, "--wait", "--json")
        let failure = try object(failedJSON)
        #expect(failedJSON.status == .exited(1) && Array(failure.keys) == ["id", "state", "error"])
        #expect(failure["state"] == "FAILURE" && failure["error"]?["type"] == "ValueError")
        #expect(failure["error"]?["module"] == "builtins" && failure["error"]?["args"] == ["boom"])
        #expect(failure["error"]?["traceback"]?.stringValue?.contains("Traceback") == true)
        let storedFailure = try await site.result(try #require(failure["id"]?.stringValue), "--json")
        #expect(storedFailure.status == .exited(1))
        #expect(try object(storedFailure) == failure)

        // As Celery's command: the traceback is all, and a result is no failure of it.
        let id = try #require(failure["id"]?.stringValue)
        let traced = try await site.result(id, "--traceback", "-t", "tasks.fail")
        #expect(traced.status == .exited(0), "\(traced.errors)")
        #expect(traced.output == failure["error"]?["traceback"]?.stringValue.map { $0 + "\n" })
        let none = try await site.result("no-such-task", "--traceback")
        #expect(none.status == .exited(0) && none.output == "None\n", "\(none.errors)")
        let noneJSON = try object(try await site.result("no-such-task", "--traceback", "--json"))
        #expect(Array(noneJSON.keys) == ["id", "state", "traceback"] && noneJSON["traceback"]?.isNull == true)
        await site.worker.stop()
    }

    @Test("result waits for a task that has not ended, as Celery's does, but not beyond its time or Ctrl-C")
    func resultWaits() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let folder = try TemporaryFolder("result")
        defer { folder.remove() }
        let app = try CeleryApp(broker: url, results: url)
        let sent = try await app.send(TaskDefinition<Int, Int, Int>("tasks.add")(2, 3))
        func waiting(_ arguments: String...) throws -> ChildProcess {
            try ChildProcess(
                Support.celeriac, ["result", sent.id, "--result-backend", url] + arguments,
                output: .file(folder.path + "/output"), error: .file(folder.path + "/errors"))
        }
        let late = try await CommandRun(["result", sent.id, "--result-backend", url, "--timeout", "0.2"])
        #expect(late.status == .exited(2) && late.output.isEmpty)
        #expect(
            late.errors
                == "Error: the result of \(sent.id) has not arrived within 0.2 s; celeriac result \(sent.id) shows it later\n"
        )
        let now = try await CommandRun(["result", sent.id, "--result-backend", url, "--no-wait"])
        #expect(now.status == .exited(0) && now.output == "PENDING\n", "\(now.errors)")

        // Who waits for a result in Redis subscribes to its key.
        let redis = RedisClient(
            try RedisConfiguration(url: url), eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: Logger(label: "test"))
        func isWatched() async throws -> Bool {
            let reply = try await redis.send(RedisCommand("PUBSUB", "NUMSUB", "celery-task-meta-\(sent.id)")).array
            return reply?.last?.int == 1
        }
        let interrupted = try waiting()
        try await until { try await isWatched() }
        interrupted.signal(SIGINT)
        #expect(await interrupted.wait() == .exited(2), "\(Support.text(folder.path + "/errors"))")
        #expect(Support.text(folder.path + "/errors").contains(" has not arrived yet; "))

        let served = try waiting()
        try await until { try await isWatched() }
        let worker = try await PythonPeer(broker: url, results: url).startWorker()
        #expect(await served.wait() == .exited(0), "\(Support.text(folder.path + "/errors"))")
        #expect(Support.text(folder.path + "/output") == "SUCCESS 5\n")
        await worker.stop()
        await redis.close()
        await app.close()
    }

    @Test func whatIsSentWithoutWaiting() async throws {
        let site = try await Site()
        let sent = try await site.call("tasks.add", "--args", "[1, 1]")
        #expect(sent.status == .exited(0))
        let id = sent.output.trimmingCharacters(in: .newlines)
        #expect(UUID(uuidString: id) != nil)
        try await until { try await site.result(id).output == "SUCCESS 2\n" }
        let json = try await site.call("tasks.add", "--args", "[1, 1]", "--json")
        #expect(Array(try object(json).keys) == ["id"])

        // This countdown has already passed.
        let past = try await site.call("tasks.add", "--args", "[2, 2]", "--countdown", "-5", "--wait")
        #expect(past.status == .exited(0) && past.output == "4\n", "\(past.errors)")

        let unknown = try await site.result("no-such-task", "--no-wait")
        #expect(unknown.status == .exited(0) && unknown.output == "PENDING\n")
        await site.worker.stop()
    }

    @Test func nothingCameInTime() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let words = [
            "call", "tasks.add", "-b", url, "--result-backend", url, "--wait", "--timeout", "0.2", "--queue", "nobody",
        ]
        let run = try await CommandRun(words)
        #expect(run.status == .exited(2) && run.output.isEmpty)
        #expect(run.errors.hasPrefix("Error: the result of "), "\(run.errors)")
        let json = try await CommandRun(words + ["--json"])
        let sent = try object(json)
        let id = try #require(sent["id"]?.stringValue)
        #expect(json.status == .exited(2) && Array(sent.keys) == ["id"])
        #expect(
            json.errors
                == "Error: the result of \(id) has not arrived within 0.2 s; celeriac result \(id) shows it later\n")
    }

    @Test("A result store that is away keeps nobody from knowing what was sent.")
    func storeIsAway() async throws {
        let folder = try TemporaryFolder("call")
        defer { folder.remove() }
        let run = try await CommandRun([
            "call", "t", "-b", "filesystem://" + folder.path, "--result-backend", "redis://127.0.0.1:1/0", "--wait",
            "--json",
        ])
        let id = try #require(try object(run)["id"]?.stringValue)
        #expect(run.status == .exited(2), "\(run.errors)")
        #expect(run.errors.hasPrefix("Error: the result of \(id) cannot be read: "), "\(run.errors)")
        #expect(run.errors.contains("127.0.0.1:1"), "\(run.errors)")
    }

    @Test("Whoever no longer waits for a result is told whose it is.")
    func waitIsInterrupted() async throws {
        let url = try await SharedServers.shared.redisDatabaseURL()
        let folder = try TemporaryFolder("call")
        defer { folder.remove() }
        let queue = "interrupted-\(UUID().uuidString)"
        let call = try ChildProcess(
            Support.celeriac,
            ["call", "tasks.add", "-b", url, "--result-backend", url, "--wait", "--timeout", "600", "--queue", queue],
            error: .file(folder.path + "/errors"))
        let app = try CeleryApp(broker: url, results: url)
        try await until { try await app.client.broker.depth(of: queue) == 1 }
        await app.close()
        call.signal(SIGINT)
        let status = await call.wait()
        let errors = Support.text(folder.path + "/errors")
        #expect(status == .exited(2), "\(errors)")
        #expect(errors.hasPrefix("Error: the result of ") && errors.contains(" has not arrived yet; celeriac result "))
    }

    /// A flag goes before the environment.
    @Test func theBodysFormComesFromTheSettings() async throws {
        let folder = try TemporaryFolder("call")
        defer { folder.remove() }
        func sent(_ arguments: String...) async throws -> String {
            let run = try await CommandRun(
                ["call", "t", "-b", "filesystem://" + folder.path] + arguments,
                variables: ["CELERY_TASK_SERIALIZER": "yaml", "CELERY_TASK_COMPRESSION": "zlib"])
            #expect(run.status == .exited(0), "\(run.errors)")
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            let name = try #require(names.first(where: { $0.hasSuffix(".msg") }))
            let path = "\(folder.path)/\(name)"
            let text = Support.text(path)
            try FileManager.default.removeItem(atPath: path)
            return text
        }
        let bySettings = try await sent()
        #expect(bySettings.contains("application/x-yaml") && bySettings.contains("application/x-gzip"))
        let byFlag = try await sent("--serializer", "json")
        #expect(!byFlag.contains("application/x-yaml") && byFlag.contains("application/x-gzip"))
        // As Celery's flags have it.
        let timed = try await sent(
            "-a", "[17]", "-k", "{}", "--eta", "2100-01-31T12:00:00+01:00", "--expires", "2100-02-01T00:00:00")
        #expect(timed.contains("2100-01-31T11:00:00") && timed.contains("2100-02-01T00:00:00"), "\(timed)")
        #expect(timed.contains("(17,)"), "\(timed)")
    }

    @Test func settingsOfTheEnvironmentCount() async throws {
        let site = try await Site()
        let driver = try await PythonPeer(broker: site.url, results: site.url).startDriver()
        _ = try await driver.ask("listen")
        let variables = [
            "CELERY_BROKER_URL": site.url, "CELERY_RESULT_BACKEND": site.url, "CELERY_TASK_SEND_SENT_EVENT": "true",
            "CELERY_TASK_ROUTES": "{tasks.*: celery, '*': nobody}",
        ]
        let run = try await CommandRun(["call", "tasks.add", "--args", "[2, 3]", "--wait"], variables: variables)
        #expect(run.output == "5\n", "\(run.errors)")
        try await until {
            try await driver.ask("heard")["events"]?.arrayValue?.contains { $0["type"] == "task-sent" } == true
        }
        let wrong = try await CommandRun(
            ["call", "t"], variables: variables.merging(["CELERY_TASK_PROTOCOL": "9"]) { $1 })
        #expect(wrong.status == .exited(64) && wrong.errors.contains("task_protocol"), "\(wrong.errors)")
        await driver.stop()
        await site.worker.stop()
    }

    /// Celery nests values as deeply as that.
    @Test func deepValues() async throws {
        let site = try await Site()
        let deep = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
        let run = try await site.call("tasks.echo", "--args", "[\(deep), NaN]", "--wait", "--json")
        #expect(run.status == .exited(0) && run.output.contains("[\(deep), NaN]"), "\(run.errors)")
        await site.worker.stop()
    }

    /// Each says what is wrong with it.
    @Test(arguments: [
        (["call", "t", "-b", "redis://a;redis://b"], "several Redis URLs, but one is used"),
        (["call", "t", "-b", "localhost:6379"], "the URL of the broker has no scheme"),
        (["call", "t", "-b", "redis://localhost", "--wait"], "--wait needs a result store"),
    ])
    func saysWhatIsWrong(_ arguments: [String], _ text: String) async throws {
        let run = try await CommandRun(arguments)
        #expect(run.status != .exited(0) && run.errors.contains(text), "\(run.errors)")
    }

    /// Celery's own results name their task; others need not.
    @Test func theIDIsThatOfTheKey() async throws {
        let folder = try TemporaryFolder("results")
        defer { folder.remove() }
        let result = #"{"status": "FAILURE", "result": {"exc_type": "E", "exc_message": [], "exc_module": "m"}}"#
        try result.write(toFile: folder.path + "/celery-task-meta-x", atomically: true, encoding: .utf8)
        let run = try await CommandRun(["result", "x", "--result-backend", "file://" + folder.path, "--json"])
        #expect(try object(run)["id"] == "x")
    }

    @Test(arguments: [
        ["call", "t", "-b", "redis://localhost:99999"], ["call", "t", "-b", "foo://localhost"],
        ["call", "t", "-b", "localhost:6379/0"], ["call", "t", "-b", "foo://localhost", "--dialect", "machinery"],
        ["call", "t", "-b", "memory://", "--result-backend", "rpc://", "--wait"],
        ["result", "x", "--result-backend", "rpc://"], ["result", "x", "--result-backend", "foo://"],
        ["beat", "-b", "foo://", "--schedule", "none.yaml"], ["parked", "list", "-b", "localhost:6379/0"],
        ["parked", "list", "-b", "foo://localhost", "--dialect", "machinery"],
        ["claims", "list", "-b", "foo://localhost"],
        ["settings", "--like", "a@b", "-b", "foo://localhost"],
    ])
    func settingsCannotBeFollowed(_ arguments: [String]) async throws {
        try await expectError(arguments, status: 64)
    }

    @Test func nothingCouldBeSent() async throws {
        try await expectError(["call", "t", "-b", "memory://", "--serializer", "pickle"], status: 2)
    }

    @Test("A wrong value in the environment is a wrong setting, and so is a schedule that is not there.")
    func wrongSettings() async throws {
        for verb in [["call", "t"], ["parked", "list"]] {
            let run = try await CommandRun(
                verb + ["-b", "memory://"], variables: ["CELERY_WORKER_CONCURRENCY": "x"])
            #expect(run.status == .exited(64) && run.errors.contains("worker_concurrency"), "\(run.errors)")
        }
        for schedule in [[], ["--schedule", "/none.yaml"]] {
            let run = try await CommandRun(["beat", "-b", "memory://"] + schedule)
            #expect(run.status == .exited(64) && run.errors.contains("schedule"), "\(run.errors)")
        }
    }

    private func expectError(_ arguments: [String], status: Int32) async throws {
        let run = try await CommandRun(arguments)
        #expect(run.status == .exited(status), "\(run.errors)")
        #expect(run.output.isEmpty)
        #expect(run.errors.hasPrefix("Error: ") && !run.errors.contains("Usage:"), "\(run.errors)")
    }

    @Test(
        arguments: [
            "redis://127.0.0.1:1/0", "redis://no-such-host.invalid/0",
            // These need a build with AMQP.
        ] + amqpURLs)
    func aServerThatIsNotThereIsNamedInOneSentence(_ url: String) async throws {
        let run = try await CommandRun(["call", "t", "-b", url])
        #expect(run.status == .exited(2))
        #expect(run.errors.utf8.filter { $0 == UInt8(ascii: "\n") }.count == 1, "\(run.errors)")
        let address = url.split(separator: "/").dropFirst().first.map(String.init) ?? ""
        #expect(run.errors.contains(address) && run.errors.contains("cannot be reached"), "\(run.errors)")
        #expect(run.errors.contains("check that it runs"))
        for internals in ["SingleConnectionFailure", "errno", "RedisError", "NIO"] {
            #expect(!run.errors.contains(internals), "\(run.errors)")
        }
    }

    @Test(arguments: [
        ["call", "t", "-b", "memory://", "--args", "[1"], ["call", "t", "-b", "memory://", "--args", "{}"],
        ["call", "t", "-b", "memory://", "--kwargs", "[]"], ["call", "t"],
        ["call", "t", "--dialect", "machinery", "-b", "redis://localhost", "--expires", "1"], ["result", "x"],
    ])
    func aWrongCommandLineShowsItsCommandsUsage(_ arguments: [String]) async throws {
        let run = try await CommandRun(arguments)
        #expect(run.status == .exited(64))
        #expect(run.errors.contains("Usage: celeriac \(arguments[0]) "), "\(run.errors)")
    }

    #if AMQP
    private static let amqpURLs = ["amqp://127.0.0.1:1//"]
    #else
    private static let amqpURLs: [String] = []
    #endif
}
#endif
