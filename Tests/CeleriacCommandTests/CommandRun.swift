import CeleriacTestKit
import Foundation

/// A complete run of `celeriac`.
struct CommandRun {
    let output: String
    let errors: String
    let status: CeleriacTestKit.ExitStatus

    /// Runs the command with these arguments, this standard input and these additional variables, in `folder` or by
    /// default in this process's folder. Throws `TestKitError` if the command cannot be run.
    init(
        _ arguments: [String], input: [UInt8] = [], in folder: String = ".", variables: [String: String] = [:]
    ) async throws {
        let files = try TemporaryFolder("test")
        defer { files.remove() }
        try Data(input).write(to: URL(filePath: files.path + "/input"))
        // The broker settings of a developer's shell must not reach the tests.
        let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CELERY_") }
            .merging(variables) { $1 }
        let child = try ChildProcess(
            "/bin/sh",
            ["-c", "input=$1; cd \"$2\"; shift 2; exec \"$0\" \"$@\" < \"$input\"", Support.celeriac]
                + [files.path + "/input", folder] + arguments,
            environment: environment, output: .file(files.path + "/output"), error: .file(files.path + "/errors"))
        status = await child.wait()
        output = Support.text(files.path + "/output")
        errors = Support.text(files.path + "/errors")
    }
}
