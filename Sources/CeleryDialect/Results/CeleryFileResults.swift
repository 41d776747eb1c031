public import CeleriacCore
import CeleriacQueues
import CeleriacWire
import CeleryWire
import NIOConcurrencyHelpers
public import NIOCore

/// Results in a folder as Celery's `file://` result store keeps them: one file a task.
public final class CeleryFileResults: ResultStore {
    private let folder: String
    private let keys: CeleryResultKeys
    private let eventLoopGroup: any EventLoopGroup
    private let watch = NIOLockedValueBox<DirectoryWatch?>(nil)

    /// Creates a store. The folder is made if it does not exist.
    public init(folder: String, eventLoopGroup: any EventLoopGroup) {
        self.folder = folder
        self.keys = CeleryResultKeys()
        self.eventLoopGroup = eventLoopGroup
        self.replyTo = randomUUID()
    }

    /// The folder.
    public var name: String { "file://\(folder)" }

    /// A name that messages carry as the place for replies. Nobody listens there: results are read from files.
    public let replyTo: String

    /// False: results are kept to be read as often as one likes.
    public var deliversOnce: Bool { false }

    /// False: files stay until somebody deletes them.
    public var expiresByItself: Bool { false }

    private func path(_ taskID: String) throws(CeleriacError) -> String {
        let key = keys.task(taskID)
        try FileStore.validateName(key)
        return "\(folder)/\(key)"
    }

    private func groupPath(_ id: String) throws(CeleriacError) -> String {
        let key = keys.group(id)
        try FileStore.validateName(key)
        return "\(folder)/\(key)"
    }

    /// Writes states, each to its task's file. A stored success stays.
    public func store(_ records: [ResultRecord]) async throws {
        let files = try records.map { (path: try path($0.taskID), payload: $0.payload) }
        let folder = folder
        try await FileStore.blocking {
            try FileStore.makeFolder(folder)
            for file in files {
                if let stored = try FileStore.read(file.path), let meta = try? CeleryResultMeta.decode(stored),
                    meta.status == TaskState.success.rawValue
                {
                    continue
                }
                try FileStore.write(file.payload, to: file.path, temporaryName: ".\(randomUUID()).tmp")
            }
        }
    }

    /// Watches the folder: whenever a file changes, the sink hears that updates may be missing, and fetches.
    public func watch(_ taskIDs: [String], sink: any ResultSink) async throws {
        guard watch.withLockedValue({ $0 == nil }) else { return }
        let folder = folder
        try await FileStore.blocking { try FileStore.makeFolder(folder) }
        let started = await DirectoryWatch.start(folder, eventLoop: eventLoopGroup.next()) {
            sink.updatesMayBeMissing()
        }
        let isFirst = watch.withLockedValue { watch in
            guard watch == nil else { return false }
            watch = started
            return true
        }
        if !isFirst { started.stop() }
    }

    /// Does nothing: the folder is watched until ``close()``.
    public func unwatch(_ taskIDs: [String]) {}

    /// The stored states of these tasks; nil where there is none.
    public func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] {
        let paths = try taskIDs.map { try path($0) }
        return try await FileStore.blocking {
            try paths.map { path in
                guard let bytes = try FileStore.read(path) else { return nil }
                // Celery overwrites files in place: what is young and unreadable is still being written.
                let isReadable = (try? CeleryResultMeta.decode(bytes)) != nil
                return isReadable || (FileStore.age(of: path) ?? 0) > 2 ? bytes : nil
            }
        }
    }

    /// Deletes what is stored for these tasks.
    public func forget(_ taskIDs: [String]) async throws {
        let paths = try taskIDs.map { try path($0) }
        try await FileStore.blocking { for path in paths { try FileStore.remove(path) } }
    }

    /// Stores which results belong to a group.
    public func storeGroup(_ id: String, payload: [UInt8], expiry: Duration?) async throws {
        let (folder, path) = (folder, try groupPath(id))
        try await FileStore.blocking {
            try FileStore.makeFolder(folder)
            try FileStore.write(payload, to: path, temporaryName: ".\(randomUUID()).tmp")
        }
    }

    /// What is stored of a group, or nil.
    public func fetchGroup(_ id: String) async throws -> [UInt8]? {
        let path = try groupPath(id)
        return try await FileStore.blocking { try FileStore.read(path) }
    }

    /// Deletes what is stored of a group.
    public func forgetGroup(_ id: String) async throws {
        let path = try groupPath(id)
        try await FileStore.blocking { try FileStore.remove(path) }
    }

    /// Deletes the files of results that were last written longer ago than `age`.
    public func removeResults(olderThan age: Duration) async throws {
        let (folder, keys) = (folder, keys)
        try await FileStore.blocking {
            guard FileStore.exists(folder) else { return }
            for name in try FileStore.names(in: folder) where keys.areResults(name) {
                let path = "\(folder)/\(name)"
                if let fileAge = FileStore.age(of: path), fileAge > age.seconds { try FileStore.remove(path) }
            }
        }
    }

    /// Ends the watch of the folder.
    public func close() async {
        watch.withLockedValue { watch in
            watch?.stop()
            watch = nil
        }
    }
}
