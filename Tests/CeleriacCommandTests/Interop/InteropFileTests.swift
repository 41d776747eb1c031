import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// Reading interop files.
@Suite("interop.yaml") struct InteropFileTests {
    /// A file with these lines of tasks, the first of which is line 6.
    static func file(_ tasks: String..., head: String = "brokers: [redis]\nresults: [redis]") throws -> InteropFile {
        let text = """
            \(head)
            producers: {swift: built-in, python: {command: [python3, driver.py], lacks: {chord: has none}}}
            workers: {swift: {command: [bin/worker, -v], folder: there, ready: up, environment: {A: 1}, needs: [x/y]}}
            tasks:

            """
        return try InteropFile(yaml: Array((text + tasks.joined(separator: "\n")).utf8), folder: "/f")
    }

    private func message(_ make: () throws -> InteropFile) throws -> String {
        let error = #expect(throws: TestKitError.self) { _ = try make() }
        let found = try #require(error)
        #expect(found.code == .invalidFile)
        return found.message
    }

    @Test("peers: commands, folders, environments and what they lack")
    func peers() throws {
        let file = try Self.file("  - {task: t, result: 1}")
        #expect(file.dialect == .celery && file.timeout == 30)
        let (swift, python) = (try #require(file.producers.first), try #require(file.producers.last))
        #expect(swift.isBuiltIn && swift.name == "swift")
        #expect(python.command == ["python3", "driver.py"] && python.lacks == ["chord": "has none"])
        let worker = try #require(file.workers.first)
        #expect(worker.folder == "/f/there" && worker.ready == "up" && worker.environment == ["A": "1"])
        let error = #expect(throws: TestKitError.self) { _ = try worker.executable() }
        #expect(error?.code == .missingProgram)
        #expect(error?.message == "/f/there/x/y is missing")
    }

    @Test("shapes follow from what a task has, unless it names one")
    func shapes() throws {
        let file = try Self.file(
            "  - {name: a, task: t, result: null}", "  - {name: b, task: t, kwargs: {x: 1}, result: 1}",
            "  - {name: c, task: t, error: ValueError}", "  - {name: d, task: t, eta: 2, result: 1}",
            "  - {name: e, task: t, shape: retry, result: 1}", "  - {chain: [{task: t}, {task: u}], result: 1}",
            "  - {group: [{task: t}], result: [1]}", "  - {chord: [{task: t}], body: {task: u}, result: 1}")
        #expect(file.cases.map(\.shape) == [.plain, .keyword, .failure, .eta, .retry, .chain, .group, .chord])
        #expect(file.cases.map(\.name) == ["a", "b", "c", "d", "e", "chain", "group", "chord"])
        #expect(file.cases.first?.expectation == .value(.null))
    }

    @Test("the question of a task is send, with its time; that of a workflow canvas")
    func questions() throws {
        let file = try Self.file(
            "  - {task: t, args: [1], eta: 2, options: {queue: q}, result: 1}",
            "  - {chain: [{task: t, immutable: true}], result: 1}")
        let (task, chain) = (try #require(file.cases.first), try #require(file.cases.last))
        let question = task.question(beginning: Date(timeIntervalSince1970: 1_795_437_015))
        #expect(question["op"] == "send" && question["task"] == "t" && question["args"] == [1])
        #expect(question["options"]?["queue"] == "q")
        #expect(question["options"]?["eta"]?.stringValue?.hasPrefix("2026-11-23T12:30:15") == true)
        #expect(chain.question(beginning: Date())["op"] == "canvas")
        #expect(chain.question(beginning: Date())["canvas"]?["chain"]?[0]?["immutable"] == true)
    }

    @Test(
        "what is wrong is told with line and column",
        arguments: [
            ("  - {task: t}", "a task has either a result or an error, or is ignored (line 6, column 5)"),
            ("  - {task: t, result: 1, error: E}", "or an error, or is ignored (line 6, column 5)"),
            ("  - {task: t, ignored: 1}", "ignored must be true (line 6, column 15)"),
            ("  - {chain: [{task: t}], ignored: true}", "ignored is for a task, not for a workflow"),
            ("  - {tusk: t, result: 1}", "a task has no key tusk; there are"),
            ("  - {task: t, chain: [], result: 1}", "the keys task, chain, group, chord (line 6, column 5)"),
            ("  - {chain: [], result: 1}", "a chain has at least one task (line 6, column 13)"),
            ("  - {chord: [{task: t}], result: 1}", "a chord has a body (line 6, column 5)"),
            ("  - {task: t, shape: round, result: 1}", "shape must be one of plain, keyword,"),
            ("  - {task: t, eta: soon, result: 1}", "eta must be a number of seconds"),
            ("  - {task: t, args: 1, result: 1}", "args must be a list (line 6, column 21)"),
            ("  - {task: t, result: 1, except: {nobody: why}}", "except has no key nobody; there are redis"),
            ("  - {task: t, result: 1}\n  - {task: t, result: 2}", "a second task is called t"),
            ("  - {task: t, result: [}", "(line 6, column"),
            ("  - 1", "a task must be a mapping (line 6, column 5)"),
        ])
    func errors(_ task: String, _ text: String) throws {
        let message = try message { try Self.file(task) }
        #expect(message.contains(text), "\(message)")
    }

    @Test(
        "so is what is wrong with the rest",
        arguments: [
            ("brokers: [redis]", "results is missing (line 1, column 1)"),
            ("brokers: []\nresults: [redis]", "brokers is empty (line 1, column 10)"),
            ("brokers: [kafka]\nresults: [redis]", "one of redis, rabbitmq, folder (line 1, column 11)"),
            ("brokers: [redis]\nresults: [redis]\nbroker: 1", "an interop file has no key broker"),
            ("brokers: [redis]\nresults: [redis]\ntimeout: 0", "timeout must be a number of seconds"),
        ])
    func errorsAbove(_ head: String, _ text: String) throws {
        let message = try message { try Self.file("  - {task: t, result: 1}", head: head) }
        #expect(message.contains(text), "\(message)")
    }

    @Test("commands have variables in them, and what stands for those that are missing")
    func variables() throws {
        let text = """
            brokers: [redis]
            results: [redis]
            producers: {swift: built-in}
            workers: {swift: {command: ["${BIN:-bin}/worker", "${NAME}"], folder: "${PLACE:-there}", same-build: true}}
            tasks: [{task: t, result: 1}]
            """
        let variables = ["BIN": "", "NAME": "${a:-b}"]
        let file = try InteropFile(yaml: Array(text.utf8), folder: "/f", variables: variables)
        let worker = try #require(file.workers.first)
        #expect(worker.command == ["bin/worker", "${a:-b}"] && worker.folder == "/f/there" && worker.isOfThisBuild)
        let missing = try message { try InteropFile(yaml: Array(text.utf8), folder: "/f") }
        #expect(missing.contains("each of command needs the environment variable NAME (line 4, column"), "\(missing)")
        let open = text.replacing("${NAME}", with: "${NAME")
        let unclosed = try message { try InteropFile(yaml: Array(open.utf8), folder: "/f", variables: variables) }
        #expect(unclosed.contains("each of command has ${ without } (line 4, column"), "\(unclosed)")
    }

    @Test("a file's own path stands before what is wrong with it")
    func paths() throws {
        let folder = try TemporaryFolder("interop")
        defer { folder.remove() }
        let path = folder.path + "/interop.yaml"
        let missing = try message { try InteropFile(path: path) }
        #expect(missing == "\(path) cannot be read")
        try Data("brokers: 1".utf8).write(to: URL(filePath: path))
        let wrong = try message { try InteropFile(path: path) }
        #expect(wrong == "\(path): brokers must be a list (line 1, column 10)")
    }
}
