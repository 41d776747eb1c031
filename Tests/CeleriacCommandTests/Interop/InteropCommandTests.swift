import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// `celeriac interop` and `celeriac produce` as programs.
@Suite("celeriac interop", .timeLimit(.minutes(5))) struct InteropCommandTests {
    /// A producer that answers in its own way: what it is sent is its result.
    private static let producer = #"""
        while read -r line; do case $line in *'"get"'*) echo '{"state": "SUCCESS", "result": 1}';; *) echo '{"id": "x"}';; esac; done
        """#

    /// A file with a producer that always says 1, and a worker that does nothing, over a folder.
    private func write(_ folder: TemporaryFolder, tasks: String) throws -> String {
        let text = """
            brokers: [folder]
            results: [folder]
            timeout: 5
            producers:
              sh: {command: [sh, producer.sh]}
              gone: {command: [./gone]}
            workers:
              idle: {command: [sh, -c, 'echo up; exec sleep 1000'], ready: up}
            tasks:
            \(tasks)
            """
        try Data(Self.producer.utf8).write(to: URL(filePath: folder.path + "/producer.sh"))
        let path = folder.path + "/interop.yaml"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    @Test("passes, skips and writes its files")
    func passes() async throws {
        let folder = try TemporaryFolder("interop")
        defer { folder.remove() }
        let file = try write(folder, tasks: "  - {task: t, result: 1}")
        let (json, junit) = (folder.path + "/out.json", folder.path + "/out.xml")
        let run = try await CommandRun(["interop", file, "--json-file", json, "--junit", junit])
        #expect(run.status == .exited(0), "\(run.errors)")
        #expect(run.output.contains("1 passed, 0 failed, 0 n/a, 1 skipped"))
        #expect(run.output.contains("the producer gone is missing"))
        #expect(try WireJSON.decode(Array(Support.text(json).utf8))["counts"]?["passed"] == 1)
        #expect(Support.text(junit).contains("<testsuites"))
        let printed = try await CommandRun(["interop", "--json", file])
        #expect(printed.status == .exited(0), "\(printed.errors)")
        #expect(try WireJSON.decode(Array(printed.output.utf8))["cells"]?.arrayValue?.count == 2)
        let listed = try await CommandRun(["interop", file, "--list", "--json", "--only", "gone"])
        #expect(listed.output == "[\"gone \\u2192 idle, folder + folder, t\"]\n")
    }

    @Test("the file itself is not written over", arguments: ["--json-file", "--junit", "--table"])
    func keepsItsFile(_ option: String) async throws {
        let folder = try TemporaryFolder("interop")
        defer { folder.remove() }
        let file = try write(folder, tasks: "  - {task: t, result: 1}")
        let content = Support.text(file)
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/link", withDestinationPath: file)
        for path in [file, folder.path + "/./interop.yaml", folder.path + "/link"] {
            let run = try await CommandRun(["interop", file, option, path])
            #expect(run.status == .exited(64) && run.errors.contains("\(option) \(path)"), "\(run.errors)")
        }
        #expect(Support.text(file) == content)
    }

    @Test("a run that tries nothing is no success, and a peer that has to be there fails what is skipped without it")
    func missingPeers() async throws {
        let folder = try TemporaryFolder("interop")
        defer { folder.remove() }
        let file = try write(folder, tasks: "  - {task: t, result: 1}")
        let nothing = try await CommandRun(["interop", file, "--only", "gone"])
        #expect(nothing.status == .exited(2), "\(nothing.output)")
        #expect(nothing.errors == "Error: nothing was tried: no combination passed or failed\n")
        #expect(nothing.output.contains("0 passed, 0 failed, 0 n/a, 1 skipped"))
        for peer in ["gone", "sh"] {
            let run = try await CommandRun(["interop", file, "--require", peer])
            #expect(run.status == .exited(peer == "gone" ? 1 : 0), "\(run.output)\(run.errors)")
            #expect(run.errors.contains("gone → idle, folder + folder, t: failed: ") == (peer == "gone"))
        }
        // A worker that is there, too, does not make its producer's absence its own.
        let idle = try await CommandRun(["interop", file, "--require", "idle"])
        #expect(idle.status == .exited(0), "\(idle.errors)")
        let unknown = try await CommandRun(["interop", file, "--require", "goen"])
        #expect(unknown.status == .exited(2) && unknown.errors.contains("has no peer goen"), "\(unknown.errors)")
    }

    @Test("a failed combination is exit status 1, a file that cannot be followed 2")
    func statuses() async throws {
        let folder = try TemporaryFolder("interop")
        defer { folder.remove() }
        let file = try write(folder, tasks: "  - {task: t, result: 2}")
        let failed = try await CommandRun(["interop", file])
        #expect(failed.status == .exited(1))
        #expect(failed.errors.contains("sh → idle, folder + folder, t: failed: the result is"))
        let broken = try write(folder, tasks: "  - {task: t}")
        let refused = try await CommandRun(["interop", broken])
        #expect(refused.status == .exited(2))
        #expect(refused.errors.contains("a task has either a result or an error, or is ignored (line 10, column 5)"))
        #expect(try await CommandRun(["interop", file + ".no"]).status == .exited(2))
    }

    @Test("--list and --only name combinations")
    func choosing() async throws {
        let folder = try TemporaryFolder("interop")
        defer { folder.remove() }
        let file = try write(folder, tasks: "  - {task: t, result: 1}")
        let run = try await CommandRun(["interop", file, "--list", "--only", "gone"])
        #expect(run.output == "gone → idle, folder + folder, t\n")
        #expect(try await CommandRun(["interop", file, "--only", "nobody"]).status == .exited(2))
    }

    @Test("celeriac produce answers each line, also what it cannot do")
    func produces() async throws {
        let folder = try TemporaryFolder("interop")
        defer { folder.remove() }
        for name in ["messages", "results"] {
            try FileManager.default.createDirectory(atPath: "\(folder.path)/\(name)", withIntermediateDirectories: true)
        }
        let questions = """
            {"op": "send", "task": "t", "args": [1]}
            {"op": "canvas", "canvas": {"chain": [{"task": "t"}, {"task": "u", "immutable": true}]}}
            {"op": "get", "id": "nobody", "timeout": 0.1}
            {"op": "send", "task": "t", "options": {"shadow": "x"}}
            {"op": "state", "id": "nobody"}
            {"op": "fly"}
            no JSON

            """
        let run = try await CommandRun(
            ["produce"], input: Array(questions.utf8),
            variables: [
                "CELERY_BROKER_URL": "filesystem://\(folder.path)/messages",
                "CELERY_RESULT_BACKEND": "file://\(folder.path)/results",
            ])
        #expect(run.status == .exited(0), "\(run.errors)")
        let answers = try run.output.split(separator: "\n").map { try WireJSON.decode(Array($0.utf8)) }
        try #require(answers.count == 7, "\(run.output)")
        #expect(answers[0]["id"]?.stringValue?.isEmpty == false)
        #expect(answers[1]["id"]?.stringValue?.isEmpty == false)
        #expect(answers[2]["timeout"] == true && answers[2]["state"] == "PENDING")
        #expect(answers[3]["unsupported"]?.stringValue?.contains("shadow") == true)
        #expect(answers[4]["state"] == "PENDING")
        #expect(answers[5]["unsupported"] != nil)
        #expect(answers[6]["failed"] != nil)
    }
}
