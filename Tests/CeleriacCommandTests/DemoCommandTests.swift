import CeleriacTestKit
import CeleriacWire
import Foundation
import Testing

/// Tests `celeriac demo` the way a person runs it.
@Suite(.timeLimit(.minutes(5))) struct DemoCommandTests {
    /// The exchanges of each direction: the start of the call, and the expected result.
    private static let swiftLines = [
        ("add(2, 3)", "5"), ("multiply(2, 3, 7)", "42"), ("sum_ints([1, 2, 3, 4])", "10"),
        ("sum_floats([1.5, 2.25])", "3.75"), (#"concat(["foo", "bår", "🥕"])"#, "foobår🥕"),
        (#"split("abc")"#, #"["a", "b", "c"]"#), ("panic_task()", "RuntimeError(oops)"),
        ("long_running_task(1.0)", "nothing, as it should"),
    ]
    private static let pythonLines = [
        ("add(2, 3)", "5"), ("multiply(2, 3, 7)", "42"), ("sum_ints([1, 2, 3, 4])", "10"),
        ("sum_floats([1.5, 2.25])", "3.75"), ("concat(['foo', 'bår', '🥕'])", "'foobår🥕'"),
        ("split('abc')", "['a', 'b', 'c']"), ("panic_task()", "RuntimeError('oops')"),
        ("long_running_task(1.0)", "None"),
    ]

    private func check(_ lines: ArraySlice<Substring>, _ route: String, _ wanted: [(call: String, value: String)]) {
        #expect(lines.count == wanted.count)
        for (line, wanted) in zip(lines, wanted) {
            #expect(line.hasPrefix(route + " "), "\(line)")
            let said = line.dropFirst(route.count).trimmingCharacters(in: .whitespaces)
            #expect(said.hasPrefix(wanted.call + " "), "\(line)")
            #expect(said.dropFirst(wanted.call.count).trimmingCharacters(in: .whitespaces) == wanted.value, "\(line)")
        }
    }

    @Test func swiftExchangesTasksWithSwiftWherePythonIsMissing() async throws {
        let run = try await CommandRun(["demo"])
        #expect(run.status == .exited(0), "\(run.errors)")
        let lines = run.output.split(separator: "\n")
        #expect(lines.first == "Without --python, Swift exchanges tasks with Swift.")
        check(lines.dropFirst(), "Swift → Swift", Self.swiftLines)
        #expect(run.errors.isEmpty)
    }

    @Test func pythonAndSwiftExchangeTasksBothWays() async throws {
        let python = try PythonInstallation.find()
        let run = try await CommandRun([
            "demo", "--python", python.interpreter, "--script", python.modules + "/demo.py",
        ])
        #expect(run.status == .exited(0), "\(run.errors)")
        let lines = run.output.split(separator: "\n")
        check(lines.prefix(8), "Python → Swift", Self.pythonLines)
        check(lines.dropFirst(8), "Swift → Python", Self.swiftLines)
    }

    @Test func allExchangesAreOneObjectOfJSON() async throws {
        let python = try PythonInstallation.find()
        for (arguments, routes) in [
            ([], ["Swift → Swift"]),
            (
                ["--python", python.interpreter, "--script", python.modules + "/demo.py"],
                ["Python → Swift", "Swift → Python"]
            ),
        ] as [([String], [String])] {
            let run = try await CommandRun(["demo", "--json"] + arguments)
            #expect(run.status == .exited(0), "\(run.errors)")
            let value = try WireJSON.decode(Array(run.output.utf8))
            let exchanges = value["exchanges"]?.arrayValue ?? []
            #expect(value["failures"] == 0 && exchanges.count == 8 * routes.count)
            #expect(exchanges.allSatisfy { $0["right"] == true })
            for (index, route) in routes.enumerated() {
                let first = exchanges.dropFirst(8 * index).first
                #expect(first?["route"] == .string(route) && first?["call"] == "add(2, 3)" && first?["value"] == "5")
            }
        }
    }

    @Test func aPythonThatIsNotThereIsNamed() async throws {
        let run = try await CommandRun(["demo", "--python", "/nonexistent/python"])
        #expect(run.status == .exited(1))
        #expect(run.errors == "Error: There is no Python interpreter /nonexistent/python.\n")
        #expect(run.output.isEmpty)
    }

    @Test func aScriptThatIsNotThereIsNamed() async throws {
        let run = try await CommandRun(["demo", "--python", "/bin/sh"], in: "/")
        #expect(run.status == .exited(1))
        #expect(run.errors.contains("interop/python/demo.py") && run.errors.contains("--script"))
        #expect(run.output.isEmpty)
    }

    @Test func aPythonWithoutCeleryIsNamedWithWhatItSaid() async throws {
        let run = try await withInterpreter("echo 'No module named celery' >&2; exit 1") { path, script in
            try await CommandRun(["demo", "--python", path, "--script", script])
        }
        #expect(run.status == .exited(1))
        #expect(run.errors.contains("cannot import Celery") && run.errors.contains("No module named celery"))
        #expect(run.output.isEmpty)
    }

    @Test func aPythonWorkerThatEndsEndsTheDemoWithItsLog() async throws {
        let python = try PythonInstallation.find()
        let body = """
            case $2 in work) echo 'this worker cannot start' >&2; exit 3 ;; esac
            exec '\(python.interpreter)' "$@"
            """
        let run = try await withInterpreter(body) { path, _ in
            try await CommandRun(["demo", "--python", path, "--script", python.modules + "/demo.py"])
        }
        #expect(run.status == .exited(1))
        check(run.output.split(separator: "\n")[...], "Python → Swift", Self.pythonLines)
        #expect(run.errors.contains("The Python worker ended with status 3"), "\(run.errors)")
        #expect(run.errors.contains("this worker cannot start"))
    }

    /// Runs `body` with a shell script in place of Python, and an arbitrary file in place of the demo's script.
    private func withInterpreter(
        _ lines: String, _ body: (_ path: String, _ script: String) async throws -> CommandRun
    ) async throws -> CommandRun {
        let folder = try TemporaryFolder("test")
        defer { folder.remove() }
        let path = folder.path + "/python"
        try "#!/bin/sh\n\(lines)\n".write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return try await body(path, path)
    }
}
