public import CeleriacCore
import CeleriacQueues

/// A file in which a beat keeps what it remembers. It is replaced as a whole: nobody ever finds half of it.
public struct BeatStateFile: BeatStateStore {
    /// The file's path.
    public let path: String

    /// Names the file; its folder must exist.
    public init(path: String) { self.path = path }

    /// The path.
    public var name: String { path }

    /// The content; nil if there is no such file.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable`.
    public func load() async throws -> [UInt8]? {
        try await FileStore.blocking { [path] in try FileStore.read(path) }
    }

    /// Replaces the content.
    ///
    /// - Throws: ``CeleriacError`` with code `unavailable`.
    public func save(_ state: [UInt8]) async throws {
        let name = path.split(separator: "/").last.map { String($0) } ?? ""
        try await FileStore.blocking { [path] in
            try FileStore.write(state, to: path, temporaryName: ".\(name).\(CeleryID.random()).tmp")
        }
    }
}
