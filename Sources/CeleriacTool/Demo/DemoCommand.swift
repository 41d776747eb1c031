import ArgumentParser
import Celeriac
import CeleriacCommand
import CeleriacTestKit
import CeleriacWire
import Foundation
import Logging

/// `celeriac demo`: Python and Swift exchange tasks through a folder.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Exchange tasks with Python Celery through a folder; no server is needed.",
        discussion: """
            A Swift worker serves eight tasks that a Python producer sends, then a Python worker serves the same tasks \
            for Swift. Without --python, Swift serves Swift. Exit status 1 means that a result was wrong or missing, \
            or that Python cannot take part.
            """)

    @Option(help: "A Python interpreter with Celery 5 installed.")
    var python: String?

    @Option(help: "The Python side: interop/python/demo.py of the package.")
    var script = "interop/python/demo.py"

    @OptionGroup var printing: OutputOptions

    func run() async throws {
        let folder = try TemporaryFolder("demo")
        defer { folder.remove() }
        let app = try CeleryApp(
            broker: "filesystem://\(folder.path)/messages", results: "file://\(folder.path)/results", logger: logger)
        try FileManager.default.createDirectory(atPath: folder.path + "/messages", withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: folder.path + "/results", withIntermediateDirectories: true)
        let journal = DemoJournal(json: printing.json)
        var failures = 0
        if let python {
            let peer = try await DemoPeer(python: python, script: script, folder: folder.path)
            failures += try await withWorker(of: app) { try await peer.produce(journal) ? 0 : 1 }
            failures += try await peer.serving {
                try await DemoProducer(app: app, peer: "Python", journal: journal).run()
            }
        } else {
            journal.say("Without --python, Swift exchanges tasks with Swift.")
            failures += try await withWorker(of: app) {
                try await DemoProducer(app: app, peer: "Swift", journal: journal).run()
            }
        }
        await app.close()
        journal.finish(failures: failures)
        if failures > 0 {
            CommandEnvironment.say("\(failures.counting("exchange")) failed.")
            throw ExitCode(1)
        }
    }

    private var logger: Logger {
        var logger = Logger(label: "celeriac") { StreamLogHandler.standardError(label: $0) }
        // One task fails on purpose, which its worker logs at `error`.
        logger.logLevel = .critical
        return logger
    }

    /// Runs a Swift worker while `body` runs.
    private func withWorker(of app: CeleryApp, _ body: @Sendable () async throws -> Int) async throws -> Int {
        let worker = app.worker { DemoTasks.handlers }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            // The worker is stopped, not cancelled, even if `body` fails.
            let result: Result<Int, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            worker.stop()
            try await group.waitForAll()
            return try result.get()
        }
    }
}
