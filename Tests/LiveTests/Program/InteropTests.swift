import CeleriacTestKit
import Foundation
import Testing

/// An interop file with real peers: Swift and Python send, a Swift program and a Python worker run.
@Suite("An interop file", .timeLimit(.minutes(10))) struct InteropTests {
    /// A file for the peers of this build, in a folder. The transports are those that the build has.
    private func write(_ folder: TemporaryFolder) throws -> String {
        let python = try PythonInstallation.find()
        let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = URL(filePath: tests).deletingLastPathComponent().appending(path: "LiveProgram").path
        #if Redis
        let transports = "brokers: [folder, redis]\nresults: [folder, redis]"
        #else
        let transports = "brokers: [folder]\nresults: [folder]"
        #endif
        let environment = "{PYTHONPATH: \(python.modules), PYTHONUNBUFFERED: 1, PYTHONDONTWRITEBYTECODE: 1}"
        let text = """
            \(transports)
            timeout: 60
            producers:
              swift: built-in
              python: {command: [\(python.interpreter), -m, celeriac_peer.driver], environment: \(environment)}
              gone: {command: [./gone]}
            workers:
              swift: {command: [\(program), worker, -l, INFO], ready: " ready."}
              python:
                command: [\(python.interpreter), -m, celery, -A, celeriac_peer.app, worker, --pool, threads, -l, INFO]
                environment: \(environment)
                ready: " ready."
            tasks:
              - {name: plain, task: tasks.add, args: [2, 3], result: 5}
              - {name: keyword, task: tasks.add, kwargs: {x: 2, y: 3}, result: 5}
              - {name: types, shape: types, task: tasks.echo, args: [null, 1.5, "é", [{a: 1}]],
                 result: {kwargs: {}, args: [null, 1.5, "é", [{a: 1}]]}}
              - {name: failure, task: tasks.fail, args: [ValueError, boom, 42], error: {type: ValueError, args: [boom, 42]}}
              - {name: retry, shape: retry, task: tasks.retry_until, args: [2, 0.05], result: 2}
              - {name: eta, task: tasks.add, args: [2, 3], eta: 1, result: 5}
              - {name: chain, chain: [{task: tasks.add, args: [1, 1]}, {task: tasks.multiply, args: [5]}], result: 10}
              - {name: broken chain, chain: [{task: tasks.fail, args: [KeyError]}, {task: tasks.add, args: [5]}],
                 error: KeyError}
              - {name: group, group: [{task: tasks.add, args: [1, 1]}, {task: tasks.add, args: [2, 2]}], result: [2, 4]}
              - {name: chord, chord: [{task: tasks.add, args: [1, 1]}, {task: tasks.add, args: [2, 2]}],
                 body: {task: tasks.sum_ints}, result: 6}
            """
        let path = folder.path + "/interop.yaml"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    @Test("every cell passes, but for the peer that is missing")
    func passes() async throws {
        let folder = try TemporaryFolder("interop")
        defer { folder.remove() }
        let matrix = try InteropMatrix(file: try write(folder))
        let report = await matrix.report()
        #expect(!report.hasFailed, "\(report.text)")
        #expect(report.count(.skipped) * 3 == report.entries.count, "\(report.text)")
        #expect(report.count(.passed) == report.count(.skipped) * 2, "\(report.text)")
    }

    @Test("a wrong result and a worker that ends are failures that say so")
    func fails() async throws {
        let folder = try TemporaryFolder("interop")
        defer { folder.remove() }
        let text = """
            brokers: [folder]
            results: [folder]
            timeout: 2
            producers: {swift: built-in}
            workers:
              ending: {command: [sh, -c, "echo going; exit 3"]}
              never: {command: [sh, -c, "echo why; exit 4"], ready: up}
            tasks: [{task: tasks.add, args: [1, 1], result: 2}]
            """
        let path = folder.path + "/interop.yaml"
        try Data(text.utf8).write(to: URL(filePath: path))
        let matrix = try InteropMatrix(file: path)
        let (ending, never) = (try #require(matrix.cells.first), try #require(matrix.cells.last))
        let late = await matrix.verdict(of: ending)
        #expect(late.isFailure)
        #expect(late.reason?.contains("the worker ending has ended with status 3") == true, "\(late)")
        let early = await matrix.verdict(of: never)
        #expect(early.isFailure)
        #expect(early.reason?.contains("has ended with status 4; the end of its log:\nwhy") == true, "\(early)")
        await matrix.close()
    }
}
