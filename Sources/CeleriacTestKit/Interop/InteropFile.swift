import CeleriacWire
import Foundation

/// What an `interop.yaml` says: who sends, who runs, over what, and which tasks must end how.
package struct InteropFile: Sendable {
    /// Whose messages the peers exchange.
    package let dialect: InteropDialect
    /// The brokers.
    package let brokers: [InteropBroker]
    /// The result stores.
    package let stores: [InteropStore]
    /// How many seconds a case may take.
    package let timeout: Double
    /// Who sends.
    package let producers: [InteropPeer]
    /// Who runs.
    package let workers: [InteropPeer]
    /// What is sent.
    package let cases: [InteropCase]

    /// Reads a file, with the environment's variables and others in its commands.
    ///
    /// - Throws: ``TestKitError`` with code `invalidFile`, which names the file, the line and the column.
    package init(path: String, variables: [String: String] = [:]) throws(TestKitError) {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw TestKitError(.invalidFile, "\(path) cannot be read")
        }
        let folder = URL(filePath: path).standardizedFileURL.deletingLastPathComponent().path
        do {
            let variables = ProcessInfo.processInfo.environment.merging(variables) { $1 }
            self = try InteropFile(yaml: [UInt8](data), folder: folder, variables: variables)
        } catch {
            throw TestKitError(error.code, "\(path): \(error.message)")
        }
    }

    /// Reads the bytes of a file. Relative paths in it count from `folder`.
    ///
    /// - Throws: ``TestKitError`` with code `invalidFile`, which names the line and the column.
    package init(yaml bytes: [UInt8], folder: String, variables: [String: String] = [:]) throws(TestKitError) {
        let root = try InteropNode(yaml: bytes)
        try root.allow(
            ["dialect", "brokers", "results", "timeout", "producers", "workers", "tasks"], in: "an interop file")
        dialect = try root["dialect"]?.choice("dialect", of: InteropDialect.self) ?? .celery
        brokers = try Self.choices(root, "brokers")
        stores = try Self.choices(root, "results")
        timeout = try root["timeout"]?.seconds("timeout") ?? 30
        producers = try Self.peers(root, "producers", role: "producer", folder: folder, variables)
        workers = try Self.peers(root, "workers", role: "worker", folder: folder, variables)
        guard let tasks = root["tasks"] else { throw root.error("tasks is missing") }
        var cases: [InteropCase] = []
        for node in try tasks.elements("tasks") {
            let made = try InteropCase(node)
            guard !cases.contains(where: { $0.name == made.name }) else {
                throw node.error("a second task is called \(made.name); give one of them another name")
            }
            cases.append(made)
        }
        guard !cases.isEmpty else { throw tasks.error("tasks is empty") }
        self.cases = cases
        try checkReferences(root)
    }

    private static func choices<Choice: CaseIterable & RawRepresentable & Hashable>(
        _ root: InteropNode, _ key: String
    ) throws(TestKitError) -> [Choice] where Choice.RawValue == String {
        guard let list = root[key] else { throw root.error("\(key) is missing") }
        var choices: [Choice] = []
        for node in try list.elements(key) {
            let choice = try node.choice("each of \(key)", of: Choice.self)
            if !choices.contains(choice) { choices.append(choice) }
        }
        guard !choices.isEmpty else { throw list.error("\(key) is empty") }
        return choices
    }

    private static func peers(
        _ root: InteropNode, _ key: String, role: String, folder: String, _ variables: [String: String]
    ) throws(TestKitError) -> [InteropPeer] {
        guard let list = root[key] else { throw root.error("\(key) is missing") }
        var peers: [InteropPeer] = []
        for (name, node) in try list.members(key) {
            peers.append(try InteropPeer(name, node, role: role, folder: folder, variables: variables))
        }
        guard !peers.isEmpty else { throw list.error("\(key) is empty") }
        return peers
    }

    /// Refuses reasons under names that nothing has: a slip of the pen would turn a cell that should be n/a into a failure.
    private func checkReferences(_ root: InteropNode) throws(TestKitError) {
        let transports = brokers.map(\.rawValue) + stores.map(\.rawValue)
        let shapes = InteropShape.allCases.map(\.rawValue)
        for key in ["producers", "workers"] {
            for (_, peer) in try root[key]?.members(key) ?? [] {
                try peer["lacks"]?.allow(transports + shapes + cases.map(\.name), in: "lacks")
            }
        }
        let peers = producers.map(\.name) + workers.map(\.name)
        for node in try root["tasks"]?.elements("tasks") ?? [] {
            try node["except"]?.allow(transports + peers, in: "except")
        }
    }
}
