import CeleriacWire
import Foundation

/// A worker or a producer of an interop file: a program, or Swift itself.
package struct InteropPeer: Sendable, Hashable {
    /// Its name in the file.
    package let name: String
    /// The program and its arguments; empty for Swift itself, which sends from this process.
    package let command: [String]
    /// Variables in addition to those of this process and of the transport.
    package let environment: [String: String]
    /// The folder in which it runs.
    package let folder: String
    /// The text in its output by which a worker says that it takes messages; nil if nothing is waited for.
    package let ready: String?
    /// Programs and files without which it cannot run.
    package let needs: [String]
    /// Why it takes no part in a shape, a transport or a case, by its name.
    package let lacks: [String: String]

    /// Whether it is built with the same traits of this package as who tries it: what that lacks, it lacks.
    package let isOfThisBuild: Bool

    /// Whether it is Swift itself.
    package var isBuiltIn: Bool { command.isEmpty }

    /// Reads a peer. Relative paths count from `folder`, the file's own; commands have variables in them.
    init(
        _ name: String, _ node: InteropNode, role: String, folder: String, variables: [String: String]
    ) throws(TestKitError) {
        self.name = name
        if role == "producer", node.value.stringValue == "built-in" {
            (command, environment, needs, lacks) = ([], [:], [], [:])
            (self.folder, ready, isOfThisBuild) = (folder, nil, true)
            return
        }
        let what = "the \(role) \(name)"
        try node.allow(
            ["command", "environment", "folder", "ready", "needs", "lacks", "built-in", "same-build"], in: what)
        if let flag = node["built-in"] {
            guard role == "producer", flag.value.boolValue == true, node["command"] == nil else {
                throw flag.error("built-in: true is for a producer without a command, which is Swift itself")
            }
            command = []
        } else {
            guard let words = node["command"] else { throw node.error("\(what) has no command") }
            command = try words.filledTexts("command", variables)
            guard !command.isEmpty else { throw words.error("the command of \(what) is empty") }
        }
        environment = try node["environment"]?.textsByKey("environment") ?? [:]
        let own = try node["folder"]?.filled("folder", variables)
        self.folder = own.map { Self.path($0, from: folder) } ?? folder
        ready = try node["ready"]?.text("ready")
        needs = try node["needs"]?.filledTexts("needs", variables) ?? []
        lacks = try node["lacks"]?.textsByKey("lacks") ?? [:]
        if let flag = node["same-build"], flag.value.boolValue == nil {
            throw flag.error("same-build must be true or false")
        }
        isOfThisBuild = command.isEmpty || node["same-build"]?.value.boolValue == true
    }

    /// The path of its program. A name without a slash is looked up in `PATH`.
    ///
    /// - Throws: ``TestKitError`` with code `missingProgram` for what is missing of all that it needs.
    package func executable() throws(TestKitError) -> String {
        for need in needs { _ = try find(need, executable: false) }
        guard let program = command.first else { return "" }
        return try find(program, executable: true)
    }

    /// Whether something is missing of what it needs.
    var isMissing: Bool { (try? executable()) == nil }

    private func find(_ name: String, executable: Bool) throws(TestKitError) -> String {
        guard name.contains("/") else { return try Program.find(name, install: "it, or leave the peer out") }
        let path = Self.path(name, from: folder)
        let files = FileManager.default
        guard executable ? files.isExecutableFile(atPath: path) : files.fileExists(atPath: path) else {
            throw TestKitError(.missingProgram, "\(path) is missing")
        }
        return path
    }

    private static func path(_ path: String, from folder: String) -> String {
        path.hasPrefix("/") ? path : "\(folder)/\(path)"
    }
}
