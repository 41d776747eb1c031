import CeleriacTestKit
import Foundation

/// The Python side of `celeriac demo`, as processes.
struct DemoPeer {
    let python: String
    let script: String
    let folder: String

    private var environment: [String: String] {
        ProcessInfo.processInfo.environment.merging(
            // Celery moves messages to its temporary folder when it takes them: one on the same disk.
            ["CELERIAC_DEMO_FOLDER": folder, "TMPDIR": folder, "PYTHONUNBUFFERED": "1", "C_FORCE_ROOT": "1"]
        ) { $1 }
    }

    /// Sends every task.
    ///
    /// - Returns: whether all results were right.
    func produce() async throws -> Bool {
        let child = try ChildProcess(
            python, [script, "produce"], environment: environment, output: .inherit, error: .inherit)
        return await child.wait().shellStatus == 0
    }

    /// Runs a Python worker while `body` runs.
    func serving<Value: Sendable>(_ body: @Sendable () async throws -> Value) async throws -> Value {
        let child = try ChildProcess(
            python, [script, "work"], environment: environment, output: .null, error: .file(folder + "/worker.log"))
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        await child.stop(grace: .seconds(10))
        return try result.get()
    }
}
