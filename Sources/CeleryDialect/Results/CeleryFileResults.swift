package import CeleriacCore
import CeleriacQueues
package import CeleriacWire
package import CeleryWire
import NIOConcurrencyHelpers
package import NIOCore

/// Results in a folder as Celery's `file://` result store keeps them: a file for each task.
package final class CeleryFileResults: ResultStore {
    private let folder: String
    private let keys: CeleryResultKeys
    private let serializer: CelerySerializer
    private let limits: WireLimits
    private let eventLoopGroup: any EventLoopGroup
    private let watch = NIOLockedValueBox<DirectoryWatch?>(nil)
    private let isSwept = NIOLockedValueBox(false)

    /// Creates a store. It makes the folder if it does not exist. `serializer` is that of the results in it.
    package init(
        folder: String, serializer: CelerySerializer = .json, limits: WireLimits = .celery,
        eventLoopGroup: any EventLoopGroup
    ) {
        self.folder = folder
        self.serializer = serializer
        self.limits = limits
        self.keys = CeleryResultKeys()
        self.eventLoopGroup = eventLoopGroup
        self.replyTo = randomUUID()
    }

    /// The folder.
    package var name: String { "file://\(folder)" }

    /// The `reply_to` of messages. Nothing listens on that queue, because results are read from files.
    package let replyTo: String

    /// False, because results are kept and can be read any number of times.
    package var deliversOnce: Bool { false }

    /// False, because files stay until a process deletes them.
    package var expiresByItself: Bool { false }

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

    /// Writes each state to its task's file, but never over a stored success.
    package func store(_ records: [ResultRecord]) async throws {
        let files = try records.map { (path: try path($0.taskID), payload: $0.payload) }
        let folder = folder
        let isFirst = isSwept.withLockedValue { isSwept in
            defer { isSwept = true }
            return !isSwept
        }
        try await FileStore.blocking { [serializer, limits] in
            try FileStore.makeFolder(folder)
            if isFirst { FileStore.sweep(folder) }
            for file in files {
                if let stored = try FileStore.read(file.path),
                    let meta = try? CeleryResultMeta.decode(stored, serializer: serializer, limits: limits),
                    meta.status == TaskState.success.rawValue
                {
                    continue
                }
                try FileStore.write(file.payload, to: file.path, temporaryName: ".\(randomUUID()).tmp")
            }
        }
    }

    /// Watches the folder. Whenever a file changes, the sink learns that updates may be missing, and fetches them.
    package func watch(_ taskIDs: [String], sink: any ResultSink) async throws {
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

    /// Does nothing, because the store watches the folder until ``close()``.
    package func unwatch(_ taskIDs: [String]) {}

    /// Reads the stored states of these tasks; nil for a task without one.
    package func fetch(_ taskIDs: [String]) async throws -> [[UInt8]?] {
        let paths = try taskIDs.map { try path($0) }
        return try await FileStore.blocking { [serializer, limits] in
            try paths.map { path in
                guard let bytes = try FileStore.read(path) else { return nil }
                // Celery overwrites files in place, so a recent file that cannot be read is still being written.
                let meta = try? CeleryResultMeta.decode(bytes, serializer: serializer, limits: limits)
                return meta != nil || (FileStore.age(of: path) ?? 0) > 2 ? bytes : nil
            }
        }
    }

    /// Deletes the stored states of these tasks.
    package func forget(_ taskIDs: [String]) async throws {
        let paths = try taskIDs.map { try path($0) }
        try await FileStore.blocking { for path in paths { try FileStore.remove(path) } }
    }

    /// Stores the references to a group's results.
    package func storeGroup(_ id: String, payload: [UInt8], expiry: Duration?) async throws {
        let (folder, path) = (folder, try groupPath(id))
        try await FileStore.blocking {
            try FileStore.makeFolder(folder)
            try FileStore.write(payload, to: path, temporaryName: ".\(randomUUID()).tmp")
        }
    }

    /// Reads the stored group; nil if there is none.
    package func fetchGroup(_ id: String) async throws -> [UInt8]? {
        let path = try groupPath(id)
        return try await FileStore.blocking { try FileStore.read(path) }
    }

    /// Deletes a stored group.
    package func forgetGroup(_ id: String) async throws {
        let path = try groupPath(id)
        try await FileStore.blocking { try FileStore.remove(path) }
    }

    /// Deletes the files of results that were last written more than `age` ago.
    package func removeResults(olderThan age: Duration) async throws {
        let (folder, keys) = (folder, keys)
        try await FileStore.blocking {
            guard FileStore.exists(folder) else { return }
            for name in try FileStore.names(in: folder) where keys.areResults(name) {
                let path = "\(folder)/\(name)"
                if let fileAge = FileStore.age(of: path), fileAge > age.seconds { try FileStore.remove(path) }
            }
        }
    }

    /// Stops watching the folder.
    package func close() async {
        watch.withLockedValue { watch in
            watch?.stop()
            watch = nil
        }
    }
}

extension CeleryFileResults: RefusingStore {
    /// Makes the folder, and looks whether files can be made in it.
    package func checkUse() async throws {
        do {
            try await checkHealth()
        } catch let error as CeleriacError {
            throw CeleriacError(
                .configuration, "cannot use the result store \(name): \(error.message)", cause: error.cause)
        }
    }
}

extension CeleryFileResults: HealthChecked {
    /// Looks whether files can be made in the folder.
    package func checkHealth() async throws {
        let folder = folder
        try await FileStore.blocking {
            try FileStore.makeFolder(folder)
            try FileStore.checkWritable(folder)
        }
    }
}
