import CeleriacCore

/// A file in which a beat keeps its state. It is replaced atomically, so no reader ever sees half of it.
package struct BeatStateFile: BeatStateStore {
    /// The file's path.
    package let path: String

    /// Creates a store for a file, whose folder must exist.
    package init(path: String) { self.path = path }

    /// The path.
    package var name: String { path }

    /// Reads the file; nil if it does not exist.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` if the system refuses.
    package func load() async throws -> [UInt8]? {
        try await FileStore.blocking { [path] in try FileStore.read(path) }
    }

    /// Replaces the file.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable` if the system refuses.
    package func save(_ state: [UInt8]) async throws {
        let name = path.split(separator: "/").last.map { String($0) } ?? ""
        try await FileStore.blocking { [path] in
            try FileStore.write(state, to: path, temporaryName: ".\(name).\(UInt64.random(in: 0...UInt64.max)).tmp")
        }
    }
}
