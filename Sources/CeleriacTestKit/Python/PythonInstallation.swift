import Foundation

/// Where Python with Celery and the code of the Python peers are.
package struct PythonInstallation: Sendable {
    /// The path of the interpreter.
    package let interpreter: String
    /// The folder of the module `celeriac_peer`.
    package let modules: String

    /// Finds the interpreter: what `CELERIAC_PYTHON` names, else the virtual environment that `Scripts/setup` makes in
    /// the package's folder.
    ///
    /// - Throws: ``TestKitError`` with code `missingProgram`.
    package static func find() throws(TestKitError) -> PythonInstallation {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        let named = ProcessInfo.processInfo.environment["CELERIAC_PYTHON"].flatMap { $0.isEmpty ? nil : $0 }
        let found = PythonInstallation(
            interpreter: named ?? root + "/.peers/venv/bin/python", modules: root + "/interop/python")
        guard FileManager.default.isExecutableFile(atPath: found.interpreter) else {
            throw TestKitError(
                .missingProgram,
                "\(found.interpreter) is missing; run Scripts/setup, or set CELERIAC_PYTHON to a Python with Celery")
        }
        guard FileManager.default.fileExists(atPath: found.modules + "/celeriac_peer/app.py") else {
            throw TestKitError(.missingProgram, "\(found.modules) is missing: the package was built somewhere else")
        }
        return found
    }
}
