#if Redis
import CeleriacTestKit
import Foundation
import TestSupport
import Testing

/// What is said of a server that takes connections and never answers.
@Suite("A server that never answers", .timeLimit(.minutes(5)))
struct SilentServerTests {
    /// Runs a command at such a server, and looks at what it says.
    private func check(_ words: (_ url: String) throws -> [String]) async throws {
        let server = try await SilentServer.start()
        let arguments = try words("redis://127.0.0.1:\(server.port)/0")
        let begin = ContinuousClock.now
        let run = try await CommandRun(arguments)
        // A few seconds, unless the machine is very busy.
        #expect(begin.duration(to: .now) < .seconds(90))
        #expect([.exited(2), .exited(69)].contains(run.status), "\(run.status)")
        #expect(run.errors.contains("127.0.0.1:\(server.port)"), "\(run.errors)")
        #expect(run.errors.contains("in time: check that it runs"), "\(run.errors)")
        await server.stop()
    }

    @Test(
        "is told of in clear words by verbs of both dialects",
        arguments: [
            ["call", "t"], ["status"], ["parked", "list"], ["call", "t", "--dialect", "machinery"],
            ["parked", "list", "--dialect", "machinery"], ["claims", "list", "--dialect", "machinery"],
        ])
    func verbs(_ words: [String]) async throws {
        try await check { url in words + ["-b", url] }
    }

    @Test("is told of in clear words by the bridge's verbs")
    func bridge() async throws {
        let folder = try TemporaryFolder("bridge")
        defer { folder.remove() }
        let path = folder.path + "/bridge.yaml"
        try await check { url in
            let file = """
                ends:
                  go: {dialect: machinery, broker: "\(url)", results: "\(url)"}
                  python: {dialect: celery, broker: "\(url)", results: "\(url)"}
                routes:
                  - {name: to-python, from: go, to: python, tasks: {add: tasks.add}}
                """
            try Data(file.utf8).write(to: URL(filePath: path))
            return ["bridge", "status", path]
        }
    }
}
#endif
