import CeleriacTestKit
import Foundation

/// The Python side of `celeriac demo`: its processes.
struct DemoPeer {
    private let python: String
    private let script: String
    private let folder: String

    /// Finds the interpreter and the script, and checks that Celery is installed.
    ///
    /// - Parameters:
    ///   - python: The interpreter: a path, or a name in `PATH`.
    ///   - script: The path of `demo.py`.
    ///   - folder: The folder through which tasks and results are exchanged.
    /// - Throws: ``DemoFailure`` that says what is missing.
    init(python: String, script: String, folder: String) async throws {
        if python.contains("/") {
            self.python = python
        } else {
            self.python = try Program.find(python, install: "Python, or omit --python")
        }
        self.script = script
        self.folder = folder
        guard FileManager.default.isExecutableFile(atPath: self.python) else {
            throw DemoFailure(description: "There is no Python interpreter \(python).")
        }
        guard FileManager.default.fileExists(atPath: script) else {
            throw DemoFailure(
                description: "There is no \(script): start the demo in the package's folder, or pass --script.")
        }
        do {
            try await Program.run(self.python, ["-c", "import celery"])
        } catch {
            throw DemoFailure(
                description:
                    "\(python) cannot import Celery; run Scripts/setup demo to install one that can. \(error.message)")
        }
    }

    private var environment: [String: String] {
        ProcessInfo.processInfo.environment.merging(
            // Celery moves messages to its temporary folder when it takes them, so that folder must be on the same
            // disk.
            ["CELERIAC_DEMO_FOLDER": folder, "TMPDIR": folder, "PYTHONUNBUFFERED": "1", "C_FORCE_ROOT": "1"]
        ) { $1 }
    }

    /// Sends every task.
    ///
    /// - Returns: whether all results were correct.
    func produce(_ journal: DemoJournal) async throws -> Bool {
        var environment = environment
        let file = folder + "/produced"
        if journal.isJSON { environment["CELERIAC_DEMO_JSON"] = "1" }
        let child = try ChildProcess(
            python, [script, "produce"], environment: environment, output: journal.isJSON ? .file(file) : .inherit,
            error: .inherit)
        let isRight = await child.wait().shellStatus == 0
        if let written = FileManager.default.contents(atPath: file) { journal.add(lines: [UInt8](written)) }
        return isRight
    }

    /// Runs a Python worker while `body` runs.
    ///
    /// - Throws: ``DemoFailure`` with the end of the worker's log if the worker ends first; `body` is cancelled then.
    func serving(_ body: @escaping @Sendable () async throws -> Int) async throws -> Int {
        let log = folder + "/worker.log"
        let child = try ChildProcess(
            python, [script, "work"], environment: environment, output: .null, error: .file(log))
        return try await withThrowingTaskGroup(of: Int?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                await child.wait()
                return nil
            }
            let first = await group.nextResult()
            let ended = child.status
            group.cancelAll()
            await child.stop(grace: .seconds(10))
            guard let failures = try first?.get() else {
                throw DemoFailure(
                    description: "The Python worker ended with \(ended.map { "\($0)" } ?? "no status"); the end of its "
                        + "log:\n\(LogTail.of(log, lines: 20))")
            }
            return failures
        }
    }
}

/// The reason why `celeriac demo` cannot continue.
struct DemoFailure: Error, CustomStringConvertible {
    let description: String
}
