import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

@testable import CeleriacTool

/// `celeriac bridge` as a program, as far as it needs no servers.
@Suite("celeriac bridge", .timeLimit(.minutes(5))) struct BridgeCommandTests {
    private static let file = """
        ends:
          go: {dialect: machinery, broker: "redis://localhost/0", results: "redis://localhost/0"}
          python: {dialect: celery, broker: "redis://:${SECRET}@localhost/1", results: "redis://localhost/2"}
        routes:
          - {name: to-python, from: go, to: python, tasks: {add: tasks.add}}

        """

    /// Runs a verb of the bridge in a folder with files.
    private func run(
        _ arguments: String..., files: [String: String], input: String = ""
    ) async throws -> CommandRun {
        let folder = try TemporaryFolder("bridge")
        defer { folder.remove() }
        for (name, text) in files { try Data(text.utf8).write(to: URL(filePath: "\(folder.path)/\(name)")) }
        return try await CommandRun(
            ["bridge"] + arguments, input: Array(input.utf8), in: folder.path, variables: ["SECRET": "pa55word"])
    }

    #if Redis
    @Test("check lists routes, and names the line and the column of a mistake")
    func check() async throws {
        let good = try await run("check", "b.yaml", files: ["b.yaml": Self.file])
        #expect(good.status == .exited(0), "\(good.errors)")
        #expect(good.output == "to-python: go (machinery_tasks) -> python (celery)\n")
        let listed = try await run("check", "b.yaml", "--json", files: ["b.yaml": Self.file])
        #expect(
            try WireJSON.decode(Array(listed.output.utf8)) == [
                "routes": [
                    [
                        "name": "to-python", "from": "go", "queue": "machinery_tasks", "to": "python",
                        "target_queue": "celery",
                    ]
                ]
            ])
        let bad = try await run("check", "b.yaml", files: ["b.yaml": Self.file + "typo: 1\n"])
        #expect(bad.status == .exited(1))
        #expect(bad.errors == "b.yaml:6:1: the bridge's file has an unknown key 'typo'\n")
        let broken = try await run("check", "b.yaml", files: ["b.yaml": "routes: ["])
        #expect(broken.status == .exited(1))
        #expect(broken.errors.hasPrefix("b.yaml:"), "\(broken.errors)")
        for verb in ["check", "run"] {
            let missing = try await run(verb, "none.yaml", files: [:])
            #expect(missing.status == .exited(1) && missing.errors.hasPrefix("none.yaml: "), "\(missing.errors)")
            #expect(!missing.errors.contains("Domain"), "\(missing.errors)")
        }
    }

    @Test("explain shows what becomes of a message, and ends with 1 for one that is refused")
    func explain() async throws {
        let message = #"{"UUID": "task_1", "Name": "add", "Args": [{"Type": "int64", "Value": 7}]}"#
        let shown = try await run("explain", "b.yaml", files: ["b.yaml": Self.file], input: message)
        #expect(shown.status == .exited(0), "\(shown.errors)")
        let value = try WireJSON.decode(Array(shown.output.utf8))
        #expect(value["task"] == "1")
        #expect(value["messages"]?[0]?["headers"]?["task"] == "tasks.add")
        #expect(!shown.output.contains("pa55word"))
        let flagged = try await run("explain", "b.yaml", "--json", files: ["b.yaml": Self.file], input: message)
        #expect(flagged.status == .exited(0))
        let refused = try await run(
            "explain", "b.yaml", files: ["b.yaml": Self.file], input: message.replacing("7", with: #""x""#))
        #expect(refused.status == .exited(1))
        #expect(try WireJSON.decode(Array(refused.output.utf8))["refused"] == "badArguments")
    }

    @Test("test compares cases, and says which differ")
    func cases() async throws {
        let cases = """
            - message: {UUID: task_1, Name: add, Args: [{Type: int64, Value: 1}]}
              expect: {task: "1", messages: [{headers: {task: tasks.add}}]}
            - message: {UUID: task_2, Name: add, Args: [{Type: int8, Value: 300}]}
              refused: valueOutOfRange
            """
        let good = try await run("test", "b.yaml", "cases.yaml", files: ["b.yaml": Self.file, "cases.yaml": cases])
        #expect(good.status == .exited(0), "\(good.output)\(good.errors)")
        #expect(good.output == "2 of 2 cases are as expected\n")
        let other = cases.replacing("tasks.add", with: "tasks.sum")
        let bad = try await run("test", "b.yaml", "cases.yaml", files: ["b.yaml": Self.file, "cases.yaml": other])
        #expect(bad.status == .exited(1))
        #expect(bad.output.contains("case 1 became"))
        #expect(bad.output.hasSuffix("1 of 2 cases are as expected\n"))
        let json = try await run(
            "test", "b.yaml", "cases.yaml", "--json", files: ["b.yaml": Self.file, "cases.yaml": other])
        let value = try WireJSON.decode(Array(json.output.utf8))
        #expect(json.status == .exited(1) && value["cases"] == 2 && value["failures"]?.arrayValue?.count == 1)
        #expect(value["failures"]?[0]?["case"] == 1 && value["failures"]?[0]?["became"]?["task"] == "1")
    }

    @Test("a bridge that nobody runs is not there")
    func absent() async throws {
        let port = try FreePort.take()
        let file = Self.file.replacing("localhost", with: "127.0.0.1:\(port)")
        let status = try await run("status", "b.yaml", files: ["b.yaml": file])
        #expect(status.status == .exited(69), "\(status.output)\(status.errors)")
        #expect(!status.errors.contains("pa55word"))
    }
    #endif

    @Test("a bridge is steered by the side that has remote control, be it a folder")
    func folder() async throws {
        let folder = try TemporaryFolder("bridge")
        defer { folder.remove() }
        let path = try Support.bridgeFile(in: folder)
        let log = "\(folder.path)/log"
        let bridge = try ChildProcess(
            try Support.celeriac, ["bridge", "run", path], output: .file(log), error: .file(log))
        try await until {
            try #require(bridge.status == nil, "the bridge has ended: \(Support.text(log))")
            return try await CommandRun(["bridge", "status", path]).status == .exited(0)
        }
        let paused = try await CommandRun(["bridge", "pause", path, "wall", "--json"])
        #expect(paused.status == .exited(0), "\(paused.errors)")
        let reply = try WireJSON.decode(Array(paused.output.utf8))
        let routes = reply["bridges"]?.objectValue?.first?.value
        #expect(routes?["wall"]?["state"] == "paused", "\(paused.output)")
        // Nobody waits a day for a route that is not there.
        let absent = try await CommandRun(["bridge", "drain", path, "none", "--wait", "86400"])
        #expect(absent.status == .exited(1) && absent.output.contains("the bridge has no route 'none'"))
        for wait in ["nan", "inf", "1e40"] {
            let endless = try await CommandRun(["bridge", "drain", path, "--wait", wait])
            #expect(endless.status == .exited(64) && endless.errors.contains("--wait must be from 0"))
        }
        bridge.signal(SIGTERM)
        let end = await bridge.wait()
        #expect(end == .exited(0), "\(Support.text(log))")
    }

    @Test("check accepts the files of the documentation")
    func documentation() async throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = Support.text(root.appending(path: "Sources/Celeriac/Celeriac.docc/Bridges.md").path)
        var blocks: [String] = []
        for block in page.split(separator: "```yaml\n").dropFirst() {
            let end = try #require(block.firstRange(of: "```"))
            blocks.append(String(block[..<end.lowerBound]))
        }
        let files = blocks.filter { $0.contains("ends:") && $0.contains("routes:") }
        #expect(files.count == 3)
        for file in files {
            let folder = try TemporaryFolder("bridge")
            defer { folder.remove() }
            try Data(file.utf8).write(to: URL(filePath: "\(folder.path)/b.yaml"))
            let run = try await CommandRun(
                ["bridge", "check", "b.yaml"], in: folder.path, variables: ["PASSWORD": "pa55word"])
            #expect(run.status == .exited(0), "\(run.errors)\n\(file)")
        }
    }

    @Test("what bridges reply is a table, or one object")
    func replies() {
        let route: WireValue = [
            "state": "open", "queue": "machinery_tasks", "target_queue": "celery", "waiting": 3, "forwarded": 7,
            "replied": 5, "pending": 2, "refused": ["badArguments": 1, "unknownTask": 2], "obstacle": "no\u{1B} way",
        ]
        let failed: WireValue = ["state": "failed", "failure": "gave up"]
        let replies = BridgeReplies(["b@h": ["to-go": failed, "to-python": route], "a@h": ["error": "no such route"]])
        #expect(replies.haveErrors)
        #expect(replies.object["bridges"]?.objectValue?.keys.map { $0 } == ["a@h", "b@h"])
        let lines = replies.lines
        #expect(lines.count == 6 && lines[0].hasPrefix("BRIDGE") && !lines.joined().contains("\u{1B}"))
        #expect(lines[1].split(separator: " ") == ["b@h", "to-go", "failed", "-", "-", "-", "-", "-", "-", "-"])
        #expect(
            lines[2].split(separator: " ")
                == ["b@h", "to-python", "open", "machinery_tasks", "celery", "3", "7", "5", "2", "3"])
        #expect(lines.contains("a@h: no such route") && lines.contains("b@h, to-go: gave up"))
        #expect(BridgeReplies(["a@h": [:]]).lines == ["The bridges have no routes."])
        #expect(!BridgeReplies(["a@h": [:]]).haveErrors)
    }

    @Test("schema is JSON")
    func schema() async throws {
        let run = try await run("schema", files: [:])
        #expect(run.status == .exited(0), "\(run.errors)")
        #expect(try WireJSON.decode(Array(run.output.utf8))["properties"]?["routes"] != nil)
    }
}
