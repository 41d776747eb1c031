import Foundation

/// A complete run of Celery's own command on a Python application.
package struct CeleryCommandRun: Sendable {
    /// What it printed on standard output.
    package let output: String
    /// What it printed on standard error.
    package let errors: String
    /// How it ended.
    package let status: ExitStatus
}

extension PythonPeer {
    /// Runs Celery's own command, such as `inspect ping`, to its end.
    ///
    /// - Throws: ``TestKitError`` with code `missingProgram` if there is no Python with Celery, `system` if it cannot be
    ///   run.
    package func celery(_ arguments: [String]) async throws -> CeleryCommandRun {
        let installation = try PythonInstallation.find()
        let folder = try TemporaryFolder("celery")
        defer { folder.remove() }
        let (output, errors) = (folder.path + "/output", folder.path + "/errors")
        let child = try ChildProcess(
            installation.interpreter, ["-W", "ignore", "-m", "celery", "-A", "celeriac_peer.app"] + arguments,
            environment: try variables(of: installation), output: .file(output), error: .file(errors))
        let status = await child.wait()
        return CeleryCommandRun(output: Self.text(output), errors: Self.text(errors), status: status)
    }

    private static func text(_ path: String) -> String {
        String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
    }
}
