import CeleriacTestKit
import Foundation

/// A run of `celeriac` from its beginning to its end.
struct CommandRun {
    let output: String
    let errors: String
    let status: CeleriacTestKit.ExitStatus

    /// Runs the command.
    ///
    /// - Parameters:
    ///   - arguments: Its arguments.
    ///   - input: Its standard input.
    ///   - folder: The folder in which it runs; this process's unless given.
    /// - Throws: `TestKitError` when it cannot be run.
    init(_ arguments: [String], input: [UInt8] = [], in folder: String = ".") async throws {
        let files = try TemporaryFolder("test")
        defer { files.remove() }
        try Data(input).write(to: URL(filePath: files.path + "/input"))
        // What a developer's shell says of brokers is not meant for the tests.
        let environment = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("CELERY_") }
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
