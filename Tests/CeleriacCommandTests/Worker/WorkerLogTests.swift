import ArgumentParser
import Celeriac
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging
import Testing

@testable import CeleriacCommand

@Suite("Worker's log and banner") struct WorkerLogTests {
    private func content(_ path: String) -> String { Support.text(path) }

    @Test("has lines like Celery's, with metadata behind the text")
    func lines() throws {
        let folder = try TemporaryFolder("log")
        defer { folder.remove() }
        let path = folder.path + "/w.log"
        let target = try LogTarget(path: path)
        var logger = Logger(label: "test") { _ in WorkerLogHandler(target: target) }
        logger.logLevel = .info
        logger[metadataKey: "worker"] = "w1@box"
        logger.debug("no")
        logger.info("w1@box ready.", metadata: ["a": "1"])
        logger.critical("no broker")
        let lines = content(path).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines[0].hasSuffix(": INFO/MainProcess] w1@box ready. a=1 worker=w1@box"))
        #expect(lines[1].hasSuffix(": CRITICAL/MainProcess] no broker worker=w1@box"))
        #expect(lines[0].wholeMatch(of: /\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}: .*/) != nil, "\(lines[0])")
    }

    @Test("verbs that log, such as beat, do so in the same form")
    func verbs() {
        #expect(ConnectionOptions.logger(.info).handler is WorkerLogHandler)
        #expect(ConnectionOptions.logger(.info).logLevel == .info)
    }

    @Test(
        "words what Celery logs too as Celery does",
        arguments: [
            ("task received", [:], "Task tasks.add[1] received eta=x"),
            ("task succeeded", ["seconds": "0.25"], "Task tasks.add[1] succeeded in 0.25s eta=x"),
            (
                "task succeeded", ["seconds": "0.25", "result": "'a'"],
                "Task tasks.add[1] succeeded in 0.25s: 'a' eta=x"
            ),
            ("task failed", ["error": "ValueError: no"], "Task tasks.add[1] raised unexpected: ValueError: no eta=x"),
            (
                "task is retried", ["seconds": "4.99999", "error": "ValueError: no"],
                "Task tasks.add[1] retry: Retry in 5s: ValueError: no eta=x"
            ),
            ("task is revoked", ["how": "revoked"], "Discarding revoked task: tasks.add[1] eta=x"),
            (
                "task is revoked", ["how": "terminated(signal: 15)"],
                "task is revoked eta=x how=terminated(signal: 15) task=tasks.add task-id=1"
            ),
            (
                "task passed its hard time limit; its slot is taken until the handler returns", ["seconds": "2.0"],
                "Hard time limit (2s) exceeded for tasks.add[1]; its slot is taken until the handler returns eta=x"
            ),
            ("task is replaced", [:], "task is replaced eta=x task=tasks.add task-id=1"),
        ] as [(String, [String: String], String)])
    func words(_ message: String, _ more: [String: String], _ wanted: String) {
        var metadata: Logger.Metadata = ["task": "tasks.add", "task-id": "1", "eta": "x"]
        for (key, value) in more { metadata[key] = "\(value)" }
        #expect(text(CeleryLine(message, metadata)) == wanted)
    }

    @Test("words what happens to the worker as Celery does")
    func worker() {
        let back = CeleryLine("messages have gone back to their queues", ["messages": "2"])
        #expect(text(back) == "Restoring 2 unacknowledged message(s)")
        let lost = CeleryLine("lost the connection to the broker", ["error": "closed"])
        #expect(text(lost).hasPrefix("consumer: Connection to broker lost. ") && text(lost).hasSuffix(" error=closed"))
        #expect(text(CeleryLine("task received", [:])) == "task received")
        #expect(CeleryLine.seconds(10) == "10" && CeleryLine.seconds(0.25) == "0.25")
    }

    @Test("as JSON has one object a line: Celery's words, the event as it is, and each metadata under its name")
    func json() throws {
        let folder = try TemporaryFolder("log")
        defer { folder.remove() }
        let path = folder.path + "/w.log"
        let target = try LogTarget(path: path)
        var logger = Logger(label: "celeriac") { label in JSONLogHandler(label: label, target: target) }
        logger[metadataKey: "worker"] = "w1@box"
        logger.info("task succeeded", metadata: ["task": "tasks.add", "task-id": "1", "seconds": "0.25"])
        logger.error(
            "two\nlines", metadata: ["level": "mine", "list": ["a", .stringConvertible(2)], "object": ["k": "ü"]])
        let lines = content(path).split(separator: "\n")
        try #require(lines.count == 2)
        let first = try WireJSON.decode(Array(lines[0].utf8))
        #expect(first["message"] == "Task tasks.add[1] succeeded in 0.25s" && first["event"] == "task succeeded")
        #expect(first["level"] == "INFO" && first["logger"] == "celeriac" && first["worker"] == "w1@box")
        #expect(first["task"] == "tasks.add" && first["task-id"] == "1" && first["seconds"] == "0.25")
        let time = try #require(first["time"]?.stringValue)
        #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/) != nil, "\(time)")
        let second = try WireJSON.decode(Array(lines[1].utf8))
        #expect(second["message"] == "two\nlines" && second["level"] == "ERROR" && second["metadata.level"] == "mine")
        #expect(second["list"] == ["a", "2"] && second["object"] == ["k": "ü"])
    }

    private func text(_ line: CeleryLine) -> String {
        line.text + line.metadata.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    }

    @Test("goes on in a new file when somebody has moved it away")
    func moved() throws {
        let folder = try TemporaryFolder("log")
        defer { folder.remove() }
        let path = folder.path + "/w.log"
        let target = try LogTarget(path: path)
        target.write("one")
        try FileManager.default.moveItem(atPath: path, toPath: path + ".1")
        target.write("two")
        #expect(content(path + ".1") == "one\n" && content(path) == "two\n")
        #expect(throws: LogFailure.self) { try LogTarget(path: folder.path + "/missing/w.log") }
    }

    @Test("the banner says whom the worker serves")
    func banner() throws {
        func text(_ arguments: String...) throws -> String {
            let plan = try WorkerPlan(try WorkerCommand.parse(arguments), environment: [:], host: "box")
            return WorkerBanner(
                plan: plan, program: "math", broker: "redis://localhost:6379/0", results: nil,
                tasks: ["tasks.b", "tasks.a"], builtInCount: 10
            ).text(at: Date(timeIntervalSince1970: 0), system: "Linux")
        }
        let quiet = try text("-Q", "math,celery")
        #expect(quiet.hasPrefix("\ncelery@box v"))
        for line in [
            ".> app:         math", ".> transport:   redis://localhost:6379/0", ".> results:     disabled",
            ".> concurrency: 8 (handlers)", ".> celery           exchange=celery(direct) key=celery",
        ] {
            #expect(quiet.contains("\n\(line)\n"), "\(line)")
        }
        #expect(quiet.contains(".> task events: OFF") && !quiet.contains("[tasks]"))
        let loud = try text("-E", "-l", "INFO", "--autoscale", "9,2")
        #expect(loud.contains(".> task events: ON\n") && loud.contains("[tasks]\n  . tasks.a\n  . tasks.b\n"))
        #expect(loud.hasSuffix("  and 10 of Celery's own\n"))
        #expect(loud.contains(".> concurrency: {min=2, max=9} (handlers)\n"))
        #expect(!loud.contains("health"))
        let checked = try text("--health", "8080")
        #expect(checked.contains("\n.> health:      http://127.0.0.1:8080/ready\n\n[queues]\n"))
    }
}
